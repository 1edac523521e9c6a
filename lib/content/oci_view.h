#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/content.h>

#include "base/mutex.h"
#include "content/stored_image.h"

namespace davit::content {

/// Where the blobs of an OCI image layout lie: a directory or a tar. Thread-safe.
class BlobShelf {
 public:
  virtual ~BlobShelf() = default;
  /// Empty when there is no such blob. Errors: denied for something that is not a plain file, local_io.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> size(const Digest& digest) const = 0;
  /// Errors: not_found, and those of size().
  [[nodiscard]] virtual Result<std::unique_ptr<ByteSource>> open(const Digest& digest, std::uint64_t offset,
                                                                 const CallContext& context) const = 0;
};

/// What to do with an index of which some platforms are not there.
enum class AbsentPlatforms {
  leave_out,  ///< the one that is there becomes the root; of several, a rewritten index does
  refuse,     ///< because it would change the digest
};

/// An OCI image layout (image-layout.md of the OCI image specification) read over a shelf of blobs.
/// Thread-safe.
class OciView {
 public:
  /// `marker` and `index` are the contents of `oci-layout` and `index.json`.
  /// Errors: corrupt; unsupported for a layout version other than 1.x.
  static Result<std::unique_ptr<OciView>> create(std::string_view marker, std::string_view index,
                                                 std::shared_ptr<const BlobShelf> shelf,
                                                 AbsentPlatforms absent);

  /// In the order of index.json; names for the same digest are put together.
  [[nodiscard]] const std::vector<ImageListing>& images() const { return listings_; }

  /// The image with everything below it checked for presence and size. Foreign layers may be absent.
  /// Errors: corrupt for wrong sizes and digests, not_found when no platform is complete, unsupported.
  Result<StoredImage> image(std::size_t position, const CallContext& context);

  /// A manifest below any of the images, or an index that image() has rewritten. Errors: not_found, corrupt.
  Result<Manifest> manifest(const Digest& digest, std::string_view media_type,
                            const CallContext& context) const;

  /// The manifests that index.json leads to, under a name or without one, and that name `subject` as theirs.
  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context);

  /// Errors: not_found.
  [[nodiscard]] Result<std::uint64_t> blob_size(const Digest& blob) const;

  /// Errors: not_found; corrupt when the stored size is another.
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                                         const CallContext& context) const;

 private:
  struct Survey;
  class Surveyor;

  OciView(std::shared_ptr<const BlobShelf> shelf, AbsentPlatforms absent)
      : shelf_(std::move(shelf)), absent_(absent) {}
  Result<StoredImage> without_absent(const Manifest& index, const std::vector<Survey>& children,
                                     StoredImage image);

  std::shared_ptr<const BlobShelf> shelf_;  // co-owned by the store this is the view of
  AbsentPlatforms absent_;
  std::string note_;  ///< about the layout's version; usually empty
  std::vector<ImageListing> listings_;
  std::vector<Descriptor> roots_;  // one per listing
  mutable Mutex mutex_;
  std::map<Digest, Manifest> rewritten_ DAVIT_GUARDED_BY(mutex_);
  std::optional<std::multimap<Digest, Descriptor>> referrers_ DAVIT_GUARDED_BY(mutex_);  ///< by subject
};

}  // namespace davit::content
