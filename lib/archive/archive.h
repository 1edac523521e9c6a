#pragma once

#include <memory>
#include <string>
#include <vector>

#include <davit/content.h>

#include "codec/decompress.h"
#include "content/oci_view.h"
#include "content/stored_image.h"
#include "io/file.h"

namespace davit::archive {

struct Views;

struct ArchiveOptions {
  std::string temporary_directory =
      "/tmp";                            ///< for archives that cannot be sought: pipes, gzip and zstd files
  codec::ExpansionLimit expansion = {};  ///< of gzip and zstd around the archive
  content::AbsentPlatforms absent = content::AbsentPlatforms::leave_out;
  /// Take the archive's own manifests, when it has some, even if their layers are not compressed.
  bool keep_manifests = false;
};

/// An image archive as a source: docker-archive (`docker save`) in all its dialects and oci-archive, told
/// apart by content. It is read in place; nothing is extracted. Where an archive can be read both ways, its
/// own manifests are taken if they are complete and their layers compressed, so the bytes travel unchanged;
/// otherwise manifest.json is taken and the layers come out raw. Thread-safe.
class Archive final : public ContentSource, public ReferrerLister {
 public:
  /// Errors: corrupt for anything that is no image archive, saying what it looks like; unsupported for the
  /// format of Docker before 1.10, xz and bzip2; local_io; cancelled while reading a pipe.
  static Result<std::shared_ptr<Archive>> open(const std::string& path, const ArchiveOptions& options,
                                               const CallContext& context);
  /// From an open file or pipe. `name` is for messages: "standard input".
  static Result<std::shared_ptr<Archive>> open(io::File file, const std::string& name,
                                               const ArchiveOptions& options, const CallContext& context);
  ~Archive() override;

  [[nodiscard]] const std::vector<content::ImageListing>& images() const;
  /// The image, checked: every entry is there, inside the archive and of the right size, and the numbers of
  /// layers and diff_ids agree. REQUIRES: position < images().size().
  Result<content::StoredImage> image(std::size_t position, const CallContext& context);

  /// Whether docker save wrote it, which may list platforms that it does not hold.
  [[nodiscard]] bool from_docker() const;

  /// Of the archive's own manifests. Errors: unsupported for images that have none, not_found.
  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override;
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override;
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext& context) override;
  /// Of the archive's own manifests; none where it has none.
  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context) override;
  ReferrerLister* referrer_lister() override { return this; }

 private:
  explicit Archive(std::unique_ptr<const Views> views);
  std::unique_ptr<const Views> views_;
};

}  // namespace davit::archive
