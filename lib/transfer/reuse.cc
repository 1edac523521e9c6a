#include "transfer/reuse.h"

#include <algorithm>
#include <span>

#include <davit/reference.h>

#include "base/context.h"
#include "base/try.h"
#include "content/read_config.h"
#include "model/image_config.h"
#include "model/semver.h"

namespace davit::transfer {
namespace {

constexpr std::size_t kNeighbours = 3;
constexpr std::size_t kMostTags = 10'000;  // to choose them from: ten requests, for a start that is quick
constexpr std::size_t kMostNested = 10;    // indexes within indexes that are looked into

/// Learns from one image: its config's diff_ids stand beside its manifest's layers.
class Learner {
 public:
  Learner(const ReuseQuestion& question, const Settings& settings, const CallContext& context)
      : question_(question), settings_(settings), context_(context) {}

  void from_tags(std::span<const std::string> tags) {
    const std::size_t batch = std::max<std::size_t>(question_.repository.manifest_batch(), 1);
    while (!tags.empty() && !complete() && check(context_)) {
      const auto some = tags.first(std::min(batch, tags.size()));
      tags = tags.subspan(some.size());
      const auto found = question_.repository.manifests(some, context_);
      if (!found) continue;
      for (const std::optional<Manifest>& manifest : *found) {
        if (manifest && !complete()) from(*manifest);
      }
    }
  }

  void from(const Manifest& manifest) {
    if (!manifest.is_index()) return from_image(manifest);
    for (const ReuseQuestion::Image& ours : question_.images) {
      if (!complete(ours)) from_child(manifest, ours.platform);
    }
    for (const Descriptor& child : manifest.manifests()) {
      if (child.platform || !model::is_index(model::essence(child.media_type))) continue;
      if (complete() || nested_ == kMostNested) return;
      ++nested_;
      if (auto index = question_.repository.manifest(child.digest.to_string(), context_)) from(*index);
    }
  }

  [[nodiscard]] bool complete() const {
    return std::ranges::all_of(question_.wanted, [&](const Digest& id) { return known_.contains(id); });
  }

  [[nodiscard]] KnownLayers take() { return std::move(known_); }

 private:
  [[nodiscard]] bool complete(const ReuseQuestion::Image& ours) const {
    return std::ranges::all_of(ours.diff_ids, [&](const Digest& id) {
      return known_.contains(id) || !question_.wanted.contains(id);
    });
  }

  void from_child(const Manifest& index, const Platform& platform) {
    for (const Descriptor& child : index.manifests()) {
      if (!child.platform || !child.platform->satisfies(platform)) continue;
      auto image = question_.repository.manifest(child.digest.to_string(), context_);
      if (image && !image->is_index()) return from_image(*image);
    }
  }

  void from_image(const Manifest& image) {
    // An image of the repository refers to this very config, so it is there.
    if (ours_with(image.config()->digest) != nullptr) known_.emplace(image.config()->digest, *image.config());
    const std::vector<Digest> diff_ids = diff_ids_of(*image.config());
    if (diff_ids.size() != image.layers().size()) return;
    for (std::size_t i = 0; i < diff_ids.size(); ++i) {
      const Descriptor& layer = image.layers()[i];
      const bool usable = model::is_layer(layer.media_type) && !model::is_foreign_layer(layer.media_type) &&
                          settings_.accepts(model::compression_of(layer.media_type));
      if (usable && question_.wanted.contains(diff_ids[i])) known_.emplace(diff_ids[i], layer);
    }
  }

  [[nodiscard]] const ReuseQuestion::Image* ours_with(const Digest& config) const {
    const auto found = std::ranges::find(question_.images, config, &ReuseQuestion::Image::config);
    return found == question_.images.end() ? nullptr : &*found;
  }

  std::vector<Digest> diff_ids_of(const Descriptor& config) {
    if (const auto* ours = ours_with(config.digest)) return ours->diff_ids;
    const auto bytes = content::read_config(question_.repository, config, context_);
    if (!bytes) return {};
    auto parsed = model::ImageConfig::parse(*bytes);
    return parsed ? parsed->diff_ids : std::vector<Digest>();
  }

  const ReuseQuestion& question_;
  const Settings& settings_;
  const CallContext& context_;
  KnownLayers known_;
  std::size_t nested_ = 0;
};

}  // namespace

std::vector<std::string> nearest_tags(std::vector<std::string> tags, const std::string& tag,
                                      std::size_t count) {
  std::erase_if(tags, [&](const std::string& each) {
    return each == tag || !Reference::is_tag(each);
  });  // a registry may say anything
  std::ranges::sort(tags, model::version_less);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  std::size_t above =
      static_cast<std::size_t>(std::ranges::lower_bound(tags, tag, model::version_less) - tags.begin());
  std::size_t below = above;
  std::vector<std::string> out;
  while (out.size() < count &&
         (below > 0 || above < tags.size())) {  // the one before first: it is likely the parent
    if (below > 0) out.push_back(tags[--below]);
    if (out.size() < count && above < tags.size()) out.push_back(tags[above++]);
  }
  return out;
}

namespace {

/// The tags pushed last, where the registry can say that, and otherwise those with the nearest names.
std::vector<std::string> candidates(TagLister& lister, const std::string& tag, const CallContext& context) {
  if (auto newest = lister.newest(kNeighbours + 1, context)) {
    std::erase_if(*newest, [&](const std::string& each) { return each == tag || !Reference::is_tag(each); });
    if (newest->size() > kNeighbours) newest->resize(kNeighbours);
    return *std::move(newest);
  }
  auto tags = lister.tags(kMostTags, context);
  return tags ? nearest_tags(*std::move(tags), tag, kNeighbours) : std::vector<std::string>();
}

}  // namespace

Result<KnownLayers> learn(const ReuseQuestion& question, const Settings& settings,
                          const CallContext& context) {
  Learner learner(question, settings, context);
  if (settings.reuse == Reuse::off) return learner.take();
  if (question.replaced) learner.from(*question.replaced);
  if (settings.reuse != Reuse::tag) {
    learner.from_tags(settings.reuse_from);
    TagLister* lister = question.repository.tag_lister();
    if (!learner.complete() && lister != nullptr)
      learner.from_tags(candidates(*lister, question.tag, context));
  }
  DAVIT_TRY_VOID(check(context));
  return learner.take();
}

}  // namespace davit::transfer
