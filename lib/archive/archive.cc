#include "archive/archive.h"

#include <utility>
#include <variant>

#include <fcntl.h>

#include "archive/docker_view.h"
#include "archive/spool.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/choose_image.h"

namespace davit::archive {

/// The ways to read an archive; once chosen, exactly one is set.
struct Views {
  std::unique_ptr<content::OciView> oci;
  std::unique_ptr<DockerView> docker;
  bool from_docker = false;  ///< there was a manifest.json
};

namespace {

/// The blobs of an OCI layout inside the tar.
class TarShelf final : public content::BlobShelf {
 public:
  explicit TarShelf(std::shared_ptr<const OpenTar> tar) : tar_(std::move(tar)) {}

  [[nodiscard]] Result<std::optional<std::uint64_t>> size(const Digest& digest) const override {
    DAVIT_TRY(const auto file, find(digest));
    return file ? std::optional(file->size) : std::nullopt;
  }

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const Digest& digest, std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(const auto file, find(digest));
    if (!file) return make_error(Errc::not_found, "blob " + digest.to_string() + " is missing");
    if (offset > file->size) {
      return make_error(Errc::corrupt,
                        "blob " + digest.short_form() + " is shorter than its descriptor says");
    }
    return io::FileContent(tar_->file, file->offset, file->size, tar_->name + ", blob " + digest.short_form())
        .open(offset, context);
  }

 private:
  [[nodiscard]] Result<std::optional<tar::FileSpan>> find(const Digest& digest) const {
    return tar_->index.find("blobs/" + std::string(digest.algorithm_name()) + "/" + digest.hex());
  }

  std::shared_ptr<const OpenTar> tar_;  // co-owned with the archive
};

Result<bool> has(const OpenTar& tar, std::string_view entry) {
  DAVIT_TRY(const auto file, tar.index.find(entry));
  return file.has_value();
}

Error no_image(bool legacy) {
  if (legacy) {
    return make_error(
        Errc::unsupported,
        "the image format of Docker before 1.10 (repositories and json files, no manifest.json)",
        "load it once with a current Docker and save it again");
  }
  return make_error(Errc::corrupt, "a tar without manifest.json or index.json, so not an image archive",
                    "accepted are the results of docker save and OCI layouts in a tar");
}

/// Whether the archive's own manifests are the better way to read it: everything is there and already
/// compressed.
Result<bool> worth_keeping(content::OciView& view, const CallContext& context) {
  for (std::size_t i = 0; i < view.images().size(); ++i) {
    auto image = view.image(i, context);
    DAVIT_TRY_VOID(check(context));
    if (!image || image->plain_layers) return false;
  }
  return !view.images().empty();
}

Result<> all_readable(const DockerView& view) {
  for (std::size_t i = 0; i < view.images().size(); ++i) {
    auto image = view.image(i);
    if (!image) return std::move(image).error();
  }
  return {};
}

Result<Views> choose_view(const std::shared_ptr<const OpenTar>& tar, const ArchiveOptions& options,
                          const CallContext& context) {
  DAVIT_TRY(const bool manifest, has(*tar, "manifest.json"));
  DAVIT_TRY(const bool index, has(*tar, "index.json"));
  if (!manifest && !index) {
    DAVIT_TRY(const bool legacy, has(*tar, "repositories"));
    return no_image(legacy);
  }
  Views views{.oci = {}, .docker = {}, .from_docker = manifest};
  if (index) {
    DAVIT_TRY(const std::string marker, read_entry(*tar, "oci-layout", Manifest::kMaxSize));
    DAVIT_TRY(const std::string document, read_entry(*tar, "index.json", Manifest::kMaxSize));
    DAVIT_TRY(views.oci, content::OciView::create(marker, document, std::make_shared<const TarShelf>(tar),
                                                  options.absent));
  }
  if (manifest) {
    DAVIT_TRY(views.docker, DockerView::create(tar));
  }
  if (!views.oci || !views.docker) return views;

  bool keep = options.keep_manifests || options.absent == content::AbsentPlatforms::refuse;
  if (!keep) {
    DAVIT_TRY(keep, worth_keeping(*views.oci, context));
  }
  if (!keep && !views.oci->images().empty())
    keep = !all_readable(*views.docker) && views.oci->image(0, context);
  if (keep) {
    views.docker.reset();
  } else {
    views.oci.reset();
  }
  return views;
}

}  // namespace

Archive::Archive(std::unique_ptr<const Views> views) : views_(std::move(views)) {}
Archive::~Archive() = default;

Result<std::shared_ptr<Archive>> Archive::open(const std::string& path, const ArchiveOptions& options,
                                               const CallContext& context) {
  // A named pipe without a writer must not hold us up here; the reader waits for it with an eye on the stop
  // token.
  DAVIT_TRY(auto file, io::File::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  return open(std::move(file), path, options, context);
}

Result<std::shared_ptr<Archive>> Archive::open(io::File file, const std::string& name,
                                               const ArchiveOptions& options, const CallContext& context) {
  const std::string shown = escaped(name, 400);
  const auto views = [&]() -> Result<Views> {
    DAVIT_TRY(auto tar, seekable_tar(std::move(file), shown, {options.temporary_directory, options.expansion},
                                     context));
    DAVIT_TRY(auto index, tar::Index::read(tar, context));
    return choose_view(std::make_shared<const OpenTar>(OpenTar{std::move(tar), std::move(index), shown}),
                       options, context);
  };
  auto chosen = views();
  if (!chosen) return chosen.error().with_context(shown);
  return std::shared_ptr<Archive>(new Archive(std::make_unique<const Views>(*std::move(chosen))));
}

const std::vector<content::ImageListing>& Archive::images() const {
  return views_->oci ? views_->oci->images() : views_->docker->images();
}

bool Archive::from_docker() const {
  return views_->from_docker;
}

Result<content::StoredImage> Archive::image(std::size_t position, const CallContext& context) {
  return views_->oci ? views_->oci->image(position, context) : views_->docker->image(position);
}

Result<Descriptor> Archive::resolve(std::string_view name, const CallContext& context) {
  if (const auto digest = Digest::parse(name); digest && views_->oci) {
    DAVIT_TRY(const Manifest found, views_->oci->manifest(*digest, {}, context));
    return found.descriptor();
  }
  DAVIT_TRY(const std::size_t position, content::choose_image(images(), name));
  DAVIT_TRY(const content::StoredImage image, this->image(position, context));
  if (const auto* root = std::get_if<Descriptor>(&image.root)) return *root;
  return make_error(Errc::unsupported, "an image without a manifest");
}

Result<Manifest> Archive::manifest(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const Descriptor root, resolve(name, context));
  return views_->oci->manifest(root.digest, root.media_type, context);
}

Result<std::unique_ptr<ByteSource>> Archive::open(const Descriptor& blob, std::uint64_t offset,
                                                  const CallContext& context) {
  if (views_->oci) return views_->oci->open(blob, offset, context);
  return make_error(Errc::not_found, "blob " + blob.digest.to_string() + " (the archive has no manifests)");
}

Result<std::uint64_t> Archive::blob_size(const Digest& blob, const CallContext&) {
  if (views_->oci) return views_->oci->blob_size(blob);
  return make_error(Errc::not_found, "blob " + blob.to_string() + " (the archive has no manifests)");
}

Result<std::vector<Descriptor>> Archive::referrers(const Digest& subject, const CallContext& context) {
  if (views_->oci) return views_->oci->referrers(subject, context);
  return std::vector<Descriptor>();
}

}  // namespace davit::archive
