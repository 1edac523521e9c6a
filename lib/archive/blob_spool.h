#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <davit/content.h>

#include "base/mutex.h"
#include "io/file.h"

namespace davit::archive {

/// Blobs that wait until a tar can take them, because their size shows at their end or their place depends on
/// others. They share one unlinked file, so any number of them needs one descriptor and nothing is left
/// behind. Thread-safe.
class BlobSpool : public std::enable_shared_from_this<BlobSpool> {
 public:
  /// Where a blob lies.
  struct Blob {
    std::vector<std::uint64_t> extents;
    std::uint64_t size = 0;
  };

  /// The file is made in `directory` with the first blob.
  static std::shared_ptr<BlobSpool> in(std::string directory);

  /// Everything a source has. Errors: the source's; local_io on Side::destination.
  Result<Blob> take(ByteSource& source, const CallContext& context);
  [[nodiscard]] bool disk_was_full() const { return full_; }
  /// Its room may be used again.
  void drop(const Blob& blob);
  /// The bytes again. Co-owns the spool.
  [[nodiscard]] std::unique_ptr<ByteSource> open(Blob blob);

 private:
  class Source;

  explicit BlobSpool(std::string directory) : directory_(std::move(directory)) {}
  Result<std::uint64_t> extent();
  Result<std::size_t> take_piece(ByteSource& source, Blob& blob, std::span<std::byte> buffer,
                                 const CallContext& context);
  Result<> write(const Blob& blob, std::span<const std::byte> bytes);

  std::string directory_;
  std::atomic<bool> full_ = false;
  Mutex mutex_;
  std::shared_ptr<const io::File> file_ DAVIT_GUARDED_BY(mutex_);  // co-owned by those who write just now
  std::uint64_t end_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::vector<std::uint64_t> free_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::archive
