#include "content/oci_view.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "content/referrer_entry.h"
#include "io/read_all.h"
#include "model/json_fields.h"
#include "model/media_type.h"

namespace davit::content {
namespace {

constexpr int kMaxDepth = 8;                   // of indexes inside indexes
constexpr std::size_t kMaxManifests = 10'000;  // below one root

/// The layout's version, of which 1.0.0 is the only one so far.
Result<std::string> read_marker(std::string_view marker) {
  DAVIT_TRY(const nlohmann::json document, parse_json(marker, {.bytes = 64 << 10}));
  if (!document.is_object()) return make_error(Errc::corrupt, "oci-layout is not a JSON object");
  DAVIT_TRY(const std::string version, model::text_field(document, "imageLayoutVersion"));
  if (version.empty()) return make_error(Errc::corrupt, "oci-layout has no imageLayoutVersion");
  if (!version.starts_with("1.")) {
    return make_error(Errc::unsupported,
                      "an image layout of version " + escaped(version, 40) + " (davit reads 1.x)");
  }
  return version;
}

/// The names of an entry of index.json, the fullest first: containerd writes the whole reference beside a
/// ref.name that may be the tag alone.
std::vector<std::string> names_of(const Descriptor& entry) {
  std::vector<std::string> names;
  for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    const auto found = entry.annotations.find(key);
    if (found != entry.annotations.end() && !found->second.empty()) names.push_back(found->second);
  }
  return names;
}

}  // namespace

/// What was found below one descriptor.
struct OciView::Survey {
  std::string missing;  ///< the first thing that is not there; empty when complete
  bool plain_layers = false;
};

/// Walks what is below one root; each digest once.
class OciView::Surveyor {
 public:
  Surveyor(const OciView& view, const CallContext& context) : view_(view), context_(context) {}

  Result<Survey> look(const Descriptor& node, int depth) {
    if (const auto known = seen_.find(node.digest); known != seen_.end()) return known->second;
    if (depth > kMaxDepth)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(kMaxDepth));
    if (seen_.size() >= kMaxManifests)
      return make_error(Errc::corrupt, "more than 10000 manifests below one index");
    DAVIT_TRY_VOID(check(context_));
    Survey survey;
    DAVIT_TRY(const bool there, present(node));
    if (!there) {
      survey.missing = node.digest.to_string();
    } else if (model::is_manifest(model::essence(node.media_type))) {
      DAVIT_TRY(const Manifest manifest, view_.manifest(node.digest, node.media_type, context_));
      DAVIT_TRY(survey, manifest.is_index() ? index(manifest, depth) : image(manifest));
    }
    seen_.emplace(node.digest, survey);
    return survey;
  }

  Result<Survey> image(const Manifest& manifest) {
    Survey survey;
    for (const Descriptor& child : manifest.children()) {
      const bool layer = model::is_layer(model::essence(child.media_type));
      survey.plain_layers |= layer && model::is_plain_layer(model::essence(child.media_type));
      DAVIT_TRY(const bool there, present(child));
      if (there || model::is_foreign_layer(model::essence(child.media_type)) || !survey.missing.empty())
        continue;
      const bool config = manifest.config() && manifest.config()->digest == child.digest;
      survey.missing = (config ? "config " : "layer ") + child.digest.to_string();
    }
    return survey;
  }

  Result<std::vector<Survey>> children(const Manifest& manifest, int depth) {
    std::vector<Survey> out;
    for (const Descriptor& child : manifest.manifests()) {
      DAVIT_TRY(out.emplace_back(), look(child, depth + 1));
    }
    return out;
  }

 private:
  Result<Survey> index(const Manifest& manifest, int depth) {
    DAVIT_TRY(const std::vector<Survey> below, children(manifest, depth));
    Survey survey;
    for (const Survey& child : below) {
      if (survey.missing.empty()) survey.missing = child.missing;
      survey.plain_layers |= child.plain_layers;
    }
    return survey;
  }

  Result<bool> present(const Descriptor& blob) {
    DAVIT_TRY(const auto size, view_.shelf_->size(blob.digest));
    if (!size) return false;
    if (*size == blob.size) return true;
    return make_error(Errc::corrupt, "blob " + blob.digest.short_form() + " has " + std::to_string(*size) +
                                         " bytes where its descriptor says " + std::to_string(blob.size));
  }

  const OciView& view_;
  const CallContext& context_;
  std::map<Digest, Survey> seen_;
};

Result<std::unique_ptr<OciView>> OciView::create(std::string_view marker, std::string_view index,
                                                 std::shared_ptr<const BlobShelf> shelf,
                                                 AbsentPlatforms absent) {
  DAVIT_TRY(std::string version, read_marker(marker));
  auto parsed = Manifest::parse(std::string(index), model::kOciIndex);
  if (!parsed) return parsed.error().with_context("index.json");
  if (!parsed->is_index()) return make_error(Errc::corrupt, "index.json: not an index");

  std::unique_ptr<OciView> view(new OciView(std::move(shelf), absent));
  if (version != "1.0.0")
    view->note_ = "an image layout of version " + escaped(version, 40) + ", read as 1.0.0";
  for (const Descriptor& entry : parsed->manifests()) {
    const auto same = std::ranges::find(view->roots_, entry.digest, &Descriptor::digest);
    const auto position = static_cast<std::size_t>(same - view->roots_.begin());
    if (same == view->roots_.end()) {
      view->roots_.push_back(entry);
      view->listings_.push_back(
          {.names = {}, .root = entry.digest, .size = entry.size, .artifact = !entry.artifact_type.empty()});
    }
    for (std::string& name : names_of(entry)) {
      std::vector<std::string>& names = view->listings_[position].names;
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  return view;
}

Result<StoredImage> OciView::image(std::size_t position, const CallContext& context) {
  const Descriptor& root = roots_[position];
  StoredImage image{.names = listings_[position].names, .root = root, .notes = {}, .listed = root.digest};
  if (!note_.empty()) image.notes.push_back(note_);
  Surveyor surveyor(*this, context);
  if (!model::is_manifest(model::essence(root.media_type))) {
    if (model::is_schema1(model::essence(root.media_type))) {
      return make_error(Errc::unsupported, "a Docker schema 1 manifest");
    }
    return make_error(Errc::unsupported,
                      "index.json lists something of type " + escaped(root.media_type, 80));
  }
  DAVIT_TRY(const Survey top, surveyor.look(root, 0));
  DAVIT_TRY(const std::optional<std::uint64_t> there, shelf_->size(root.digest));
  if (!there) return make_error(Errc::not_found, "manifest " + root.digest.to_string() + " is missing");
  DAVIT_TRY(const Manifest manifest, this->manifest(root.digest, root.media_type, context));
  image.root = manifest.descriptor();
  image.plain_layers = top.plain_layers;
  if (top.missing.empty()) return image;
  if (!manifest.is_index()) return make_error(Errc::not_found, top.missing + " is missing");
  DAVIT_TRY(const std::vector<Survey> children, surveyor.children(manifest, 0));
  return without_absent(manifest, children, std::move(image));
}

Result<StoredImage> OciView::without_absent(const Manifest& index, const std::vector<Survey>& children,
                                            StoredImage image) {
  std::string present;
  std::string absent;
  std::size_t platforms = 0;
  std::size_t only = 0;
  image.plain_layers = false;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Descriptor& child = index.manifests()[i];
    const bool complete = children[i].missing.empty();
    std::string& list = complete ? present : absent;
    list += (list.empty() ? "" : ", ") + name_platform(child);
    if (!complete || is_attestation(child)) continue;
    ++platforms;
    only = i;
    image.plain_layers |= children[i].plain_layers;
  }
  if (platforms == 0) {
    const auto first =
        std::ranges::find_if(children, [](const Survey& child) { return !child.missing.empty(); });
    return make_error(Errc::not_found,
                      "none of " + absent + " is complete: " + first->missing + " is missing");
  }
  if (absent_ == AbsentPlatforms::refuse) {
    return make_error(Errc::not_found, "the index lists " + absent +
                                           ", which is not there, so its digest cannot be preserved");
  }
  if (platforms == 1) {
    const Descriptor& child = index.manifests()[only];
    image.root = Descriptor{.media_type = child.media_type, .digest = child.digest, .size = child.size};
    image.notes.push_back("only " + name_platform(child) + " is there, without the index; absent: " + absent);
    return image;
  }

  std::vector<IndexEntry> kept;
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (children[i].missing.empty()) kept.push_back({&index, i});
  }
  DAVIT_TRY(const Manifest rewritten, rewritten_index(index, kept));
  image.root = rewritten.descriptor();
  image.notes.push_back("the index was rewritten and now lists " + present + "; absent: " + absent);
  MutexLock lock(mutex_);
  rewritten_.emplace(rewritten.descriptor().digest, rewritten);
  return image;
}

Result<Manifest> OciView::manifest(const Digest& digest, std::string_view media_type,
                                   const CallContext& context) const {
  {
    MutexLock lock(mutex_);
    if (const auto found = rewritten_.find(digest); found != rewritten_.end()) return found->second;
  }
  DAVIT_TRY(const auto source, shelf_->open(digest, 0, context));
  const std::string name = "manifest " + digest.short_form();
  auto bytes = io::read_all(*source, Manifest::kMaxSize);
  if (!bytes) return bytes.error().with_context(name);
  auto manifest = Manifest::parse(*std::move(bytes), media_type, digest.algorithm());
  if (!manifest) return manifest.error().with_context(name);
  if (manifest->descriptor().digest != digest) {
    return make_error(Errc::corrupt, name + ": its bytes are " + manifest->descriptor().digest.short_form());
  }
  return manifest;
}

Result<std::vector<Descriptor>> OciView::referrers(const Digest& subject, const CallContext& context) {
  bool known = false;
  {
    MutexLock lock(mutex_);
    known = referrers_.has_value();
  }
  if (!known) {
    std::multimap<Digest, Descriptor> found;
    for (const Descriptor& root : roots_) {
      if (!model::is_manifest(model::essence(root.media_type))) continue;
      const auto manifest = this->manifest(root.digest, root.media_type, context);
      if (!manifest && manifest.error().code != Errc::not_found) return manifest.error();
      if (manifest && manifest->subject())
        found.emplace(manifest->subject()->digest, referrer_entry(*manifest));
    }
    MutexLock lock(mutex_);
    referrers_ = std::move(found);
  }
  MutexLock lock(mutex_);
  std::vector<Descriptor> out;
  const auto [begin, end] = referrers_->equal_range(subject);
  for (auto each = begin; each != end; ++each) out.push_back(each->second);
  return out;
}

Result<std::uint64_t> OciView::blob_size(const Digest& blob) const {
  DAVIT_TRY(const auto size, shelf_->size(blob));
  if (size) return *size;
  return make_error(Errc::not_found, "blob " + blob.to_string() + " is missing");
}

Result<std::unique_ptr<ByteSource>> OciView::open(const Descriptor& blob, std::uint64_t offset,
                                                  const CallContext& context) const {
  DAVIT_TRY(const auto size, shelf_->size(blob.digest));
  if (!size) return make_error(Errc::not_found, "blob " + blob.digest.to_string() + " is missing");
  if (*size != blob.size) {
    return make_error(Errc::corrupt, "blob " + blob.digest.short_form() + " has " + std::to_string(*size) +
                                         " bytes where its descriptor says " + std::to_string(blob.size));
  }
  return shelf_->open(blob.digest, offset, context);
}

}  // namespace davit::content
