#include "archive/archive_writer.h"

#include <algorithm>
#include <utility>

#include "archive/blob_entry.h"
#include "archive/image_name.h"
#include "archive/planned_tar.h"
#include "archive/tar_stream.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/memory.h"
#include "model/media_type.h"
#include "model/write_manifest.h"

namespace davit::archive {
namespace {

/// A manifest's bytes under its own digest, whatever the algorithm.
class ManifestContent final : public Content {
 public:
  explicit ManifestContent(const Manifest& manifest) : manifest_(manifest) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext&) const override {
    return std::unique_ptr<ByteSource>(
        std::make_unique<io::MemorySource>(std::make_shared<const std::string>(manifest_.bytes()), offset));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return manifest_.descriptor(); }

 private:
  Manifest manifest_;
};

/// Whether docker load could make anything of it.
Result<> refuse_unless_image(const Manifest& manifest) {
  const std::string shown = manifest.descriptor().digest.short_form();
  if (manifest.is_index()) {
    return make_error(Errc::unsupported,
                      shown + " is an index; an image in a docker archive is one for a single platform",
                      "choose a platform, or write an OCI archive");
  }
  const std::string config = model::essence(manifest.config()->media_type);
  const bool layers = std::ranges::all_of(manifest.layers(), [](const Descriptor& layer) {
    return model::is_layer(model::essence(layer.media_type));
  });
  if (model::is_image_config(config) && layers) return {};
  return make_error(Errc::unsupported,
                    shown + " is an artifact, not a container image (its configuration is of type " +
                        escaped(config, 80) + ")",
                    "write an OCI archive");
}

DockerImage docker_image(const Manifest& manifest, ArchiveFormat format) {
  DockerImage out;
  if (format != ArchiveFormat::docker) return out;  // nobody asks, and an index may have many children
  if (manifest.config()) out.config = blob_entry(manifest.config()->digest);
  for (const Descriptor& layer : manifest.layers()) out.layers.push_back(blob_entry(layer.digest));
  return out;
}

/// Puts an image into manifest.json: images of the same configuration and layers are one.
void add(std::vector<DockerImage>& images, const DockerImage& image, const std::string& repo_tag) {
  auto same = std::ranges::find_if(images, [&](const DockerImage& other) {
    return other.config == image.config && other.layers == image.layers;
  });
  if (same == images.end()) same = images.insert(images.end(), image);
  const bool known = std::ranges::find(same->repo_tags, repo_tag) != same->repo_tags.end();
  if (!repo_tag.empty() && !known) same->repo_tags.push_back(repo_tag);
}

}  // namespace

Result<std::shared_ptr<ArchiveWriter>> ArchiveWriter::create(const std::string& path, ArchiveFormat format,
                                                             const ArchiveWriterOptions& options) {
  auto tar = PlannedTar::open(path, options.durability, options.resume);
  if (!tar) return tar.error().on(Side::destination);
  return std::shared_ptr<ArchiveWriter>(new ArchiveWriter(*std::move(tar), format));
}

std::shared_ptr<ArchiveWriter> ArchiveWriter::to_stream(io::File out, const std::string& name,
                                                        ArchiveFormat format,
                                                        const ArchiveWriterOptions& options) {
  auto tar = std::make_shared<TarStream>(std::move(out), name, options.temporary_directory);
  return std::shared_ptr<ArchiveWriter>(new ArchiveWriter(std::move(tar), format));
}

Result<std::vector<Presence>> ArchiveWriter::probe(std::span<const Descriptor> wanted, const CallContext&) {
  std::vector<Presence> out;
  for (const Descriptor& blob : wanted) {
    const bool there = tar_->has(blob);
    // Manifests come last, when the stretches are long laid out.
    if (!there && !model::is_manifest(model::essence(blob.media_type))) tar_->want(blob);
    out.push_back(there ? Presence::present : Presence::absent);
  }
  return out;
}

Result<std::unique_ptr<BlobDraft>> ArchiveWriter::draft(const Descriptor& blob, const CallContext& context) {
  return tar_->draft(blob, context);
}

Result<Descriptor> ArchiveWriter::put_blob(const Content& content, const CallContext& context) {
  return tar_->put(content, context);
}

Result<> ArchiveWriter::put_manifest(const Manifest& manifest, std::span<const std::string> names,
                                     const CallContext& context) {
  if (format_ == ArchiveFormat::docker) {
    auto image = refuse_unless_image(manifest);
    if (!image) return image.error().on(Side::destination);
  }
  for (const std::string& name : names) {
    if (name.empty() || !is_utf8(name)) {
      return make_error(Errc::invalid_argument, "\"" + escaped(name, 120) + "\" cannot name an image")
          .on(Side::destination);
    }
  }
  DAVIT_TRY_VOID(tar_->put(ManifestContent(manifest), context));
  const Digest& digest = manifest.descriptor().digest;
  MutexLock lock(mutex_);
  put_.add(manifest, names);
  images_.insert_or_assign(digest, Image{content::index_entry(manifest), docker_image(manifest, format_)});
  for (const std::string& name : names) {
    const std::string full = image_name(name).full;
    names_.insert_or_assign(full.empty() ? name : full, digest);
  }
  return {};
}

/// In the order of the names, then of the digests, since images come in any order.
std::vector<TarDocument> ArchiveWriter::documents() {
  std::vector<Descriptor> entries;
  std::vector<DockerImage> images;
  for (const auto& [written, digest] : names_) {
    const ImageName name = image_name(written);
    const Image& image = images_.at(digest);
    Descriptor entry = image.entry;
    if (!name.full.empty()) entry.annotations.emplace(content::kContainerdName, name.full);
    if (!name.tag.empty()) entry.annotations.emplace(content::kRefName, name.tag);
    if (std::ranges::find(entries, entry) == entries.end()) entries.push_back(std::move(entry));
    add(images, image.docker, name.familiar);
  }
  for (const Descriptor& root : put_.unnamed_roots()) {
    entries.push_back(root);
    add(images, images_.at(root.digest).docker, {});
  }
  std::vector<TarDocument> out;
  out.push_back({"index.json", model::index_manifest(model::Format::oci, entries)});
  if (format_ == ArchiveFormat::docker) out.push_back({"manifest.json", docker_manifest(images)});
  out.push_back({"oci-layout", std::string(content::kLayoutMarker)});
  return out;
}

Result<> ArchiveWriter::finish(const CallContext& context) {
  std::vector<TarDocument> last;
  {
    MutexLock lock(mutex_);
    last = documents();
  }
  return tar_->finish(last, context);
}

}  // namespace davit::archive
