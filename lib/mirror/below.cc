// Signatures and SBOMs that were made later for what an unchanged index lists. The index would have to be
// read to know of them. So it is only where the lists of the source name an image that something belongs to
// and that the run has not come by, and then it is read at a target: that counts against no pull quota.
#include <algorithm>

#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "mirror/exploration.h"
#include "model/digest_tags.h"
#include "model/media_type.h"

namespace davit::mirror {
namespace {

constexpr int kDepth = 8;

}  // namespace

void Exploration::examine_below() {
  if (indexes_.empty()) return;
  const std::set<Digest> wanted = subjects_left();
  if (wanted.empty()) return;
  std::vector<Unchanged> found = below(std::exchange(indexes_, {}), wanted);
  std::vector<Seen> tags;
  for (const Unchanged& image : found) add_companions(image.root, tags);
  if (with_referrers()) {
    std::vector<Find> referrers = walked(late_referrers(std::move(found)));
    if (!referrers.empty()) all_.deliver_(std::move(referrers));
  }
  examine(std::move(tags));
}

/// What the source's lists say that something belongs to, and that has not been looked at.
std::set<Digest> Exploration::subjects_left() const {
  const auto at_all_targets = [&](const auto& has) {
    return std::ranges::all_of(targets_,
                               [&](const Target& target) { return target.closed || has(target.survey); });
  };
  std::set<Digest> out;
  for (const auto& [subject, names] : digest_tags_) {
    if (looked_.contains(subject)) continue;
    const bool left = std::ranges::any_of(names, [&](const std::string& name) {
      const bool list = with_referrers() && model::digest_tag(name)->ending.empty();
      if (!list && (!job_.digest_tags || names_.contains(name))) return false;
      const Survey::Tag& here = survey_->tags.find(name)->second;
      return !here.digest || !at_all_targets([&](const Survey& there) {
        const auto row = there.tags.find(name);
        return row != there.tags.end() && row->second.digest == here.digest;
      });
    });
    if (left) out.insert(subject);
  }
  if (!with_referrers()) return out;
  for (const auto& [subject, referrers] : survey_->referrers) {
    if (looked_.contains(subject)) continue;
    const bool left = std::ranges::any_of(referrers, [&](const Survey::Referrer& one) {
      return !at_all_targets([&](const Survey& there) { return there.images.contains(one.digest); });
    });
    if (left) out.insert(subject);
  }
  return out;
}

/// Those of the wanted images that these indexes list, at any depth.
std::vector<Exploration::Unchanged> Exploration::below(std::vector<Unchanged> indexes,
                                                       const std::set<Digest>& wanted) {
  std::map<Digest, Unchanged> found;
  std::set<Digest> read;
  for (int depth = 0; depth < kDepth && !indexes.empty(); ++depth) {
    std::erase_if(indexes, [&](const Unchanged& index) { return !read.insert(index.root).second; });
    std::vector<std::optional<Manifest>> manifests(indexes.size());
    for_each_index(all_.questions_, indexes.size(), [&](std::size_t i) {
      Target& target = targets_[*indexes[i].targets.begin()];
      const auto done = guarded([&]() -> Result<> {
        DAVIT_TRY(manifests[i], target.repository->manifest(indexes[i].root.to_string(), context_));
        return {};
      });
      if (!done) fail(indexes[i].root.to_string(), &target, done.error().on(Side::destination));
    });
    std::vector<Unchanged> nested;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      if (!manifests[i]) continue;
      for (const Descriptor& child : manifests[i]->manifests()) {
        const Unchanged image{.root = child.digest, .referrers = {}, .targets = indexes[i].targets};
        if (model::is_index(model::essence(child.media_type))) nested.push_back(image);
        if (!wanted.contains(child.digest)) continue;
        Unchanged& all = found.try_emplace(child.digest, image).first->second;
        all.targets.insert(image.targets.begin(), image.targets.end());
      }
    }
    indexes = std::move(nested);
  }
  std::vector<Unchanged> out;
  out.reserve(found.size());
  for (auto& [digest, image] : found) out.push_back(std::move(image));
  return out;
}

}  // namespace davit::mirror
