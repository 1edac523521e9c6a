#include "compose/edit_images.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "compose/index.h"
#include "content/index_entries.h"
#include "content/overlay.h"
#include "content/read_config.h"
#include "content/rewrite.h"
#include "io/memory.h"

namespace davit::compose {
namespace {

constexpr int kDeepest = 8;
constexpr std::size_t kMostImages = 1'000;

class Editor {
 public:
  Editor(ContentSource& source, const ImageEdit& edit, const CallContext& context)
      : source_(source), edit_(edit), context_(context) {}

  /// What became of it, and before that of what it lists.
  Result<Descriptor> visit(const Descriptor& at, int depth) {
    DAVIT_TRY_VOID(check(context_));
    if (depth > kDeepest)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(kDeepest));
    if (seen_.size() >= kMostImages)
      return make_error(Errc::corrupt, "more than " + std::to_string(kMostImages) + " images under one root");
    seen_.insert(at.digest);
    DAVIT_TRY(const Manifest manifest, source_.manifest(at.digest.to_string(), context_));
    if (!manifest.is_index()) return visit_image(manifest);
    for (const Descriptor& child : manifest.manifests()) {
      if (content::is_attestation(child) || !model::is_manifest(model::essence(child.media_type))) continue;
      if (seen_.contains(child.digest)) continue;
      if (auto done = visit(child, depth + 1); !done)
        return done.error().with_context(content::name_platform(child));
    }
    DAVIT_TRY(const Manifest current, without_stale(manifest));
    DAVIT_TRY(Manifest now, rewriter_.rewrite(current));
    rewriter_.replace(manifest.descriptor().digest, now.descriptor());
    return keep(manifest, std::move(now));
  }

  [[nodiscard]] bool found_images() const { return images_ != 0; }
  content::Additions take() { return std::move(made_); }
  /// What people should know.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  Result<Descriptor> visit_image(const Manifest& manifest) {
    if (!is_editable(manifest)) return manifest.descriptor();
    ++images_;
    DAVIT_TRY(std::string config, content::read_config(source_, *manifest.config(), context_));
    const ImageDocuments before{.manifest = manifest, .config = std::move(config)};
    DAVIT_TRY(EditedImage after, edit_(before));
    Descriptor now = after.documents.manifest.descriptor();
    DAVIT_TRY(const auto platform_before, model::ImageConfig::parse(before.config));
    DAVIT_TRY(const auto platform_now, model::ImageConfig::parse(after.documents.config));
    if (platform_before.platform != platform_now.platform) now.platform = platform_now.platform;
    rewriter_.replace(manifest.descriptor().digest, now);
    if (after.documents.config != before.config) {
      made_.blobs.push_back(std::make_shared<io::MemoryContent>(
          std::move(after.documents.config), after.documents.manifest.config()->media_type));
    }
    for (auto& blob : after.blobs) made_.blobs.push_back(std::move(blob));
    return keep(manifest, std::move(after.documents.manifest));
  }

  /// The index without the attestations of images that have changed: they are about those before.
  Result<Manifest> without_stale(const Manifest& index) {
    IndexChanges changes;
    std::set<Digest> named;
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const Descriptor& entry = index.manifests()[i];
      const auto about = Digest::parse(content::attested_image(entry));
      if (!content::is_attestation(entry) || !about || !changed_.contains(*about)) continue;
      changes.removed.insert(i);
      if (named.insert(*about).second) notes_.push_back(stale_note(index, *about));
    }
    if (changes.removed.empty()) return index;
    return changed_index(index, changes);
  }

  static std::string stale_note(const Manifest& index, const Digest& about) {
    const auto image = std::ranges::find(index.manifests(), about, &Descriptor::digest);
    const std::string name =
        image == index.manifests().end() ? about.short_form() : content::name_platform(*image);
    return "the attestation of " + name + " describes the image before the change, and is left out";
  }

  Descriptor keep(const Manifest& before, Manifest now) {
    Descriptor out = now.descriptor();
    if (out.digest == before.descriptor().digest) return out;
    changed_.insert(before.descriptor().digest);
    made_.manifests.push_back(std::move(now));
    return out;
  }

  ContentSource& source_;
  const ImageEdit& edit_;
  const CallContext& context_;
  content::Rewriter rewriter_{std::nullopt};
  content::Additions made_;
  std::set<Digest> seen_;
  std::set<Digest> changed_;
  std::vector<std::string> notes_;
  std::size_t images_ = 0;
};

}  // namespace

Result<OpenedImage> edit_images(const OpenedImage& image, const ImageEdit& edit, const CallContext& context) {
  Editor editor(*image.source, edit, context);
  auto root = editor.visit(image.root, 0);
  if (!root) return root.error().with_context(image.name).on(Side::source);
  if (!editor.found_images())
    return make_error(Errc::unsupported, image.name + ": no container image").on(Side::source);
  OpenedImage out = image;
  out.notes.insert(out.notes.end(), editor.notes().begin(), editor.notes().end());
  out.source = content::overlay(image.source, editor.take());
  out.root = *std::move(root);
  out.place.clear();
  return out;
}

}  // namespace davit::compose
