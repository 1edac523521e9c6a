#include "archive/blob_spool.h"

#include <algorithm>
#include <utility>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::archive {
namespace {

constexpr std::uint64_t kExtent = 1 << 20;
constexpr std::size_t kPiece = 256 << 10;

}  // namespace

class BlobSpool::Source final : public ByteSource {
 public:
  Source(std::shared_ptr<BlobSpool> spool, Blob blob) : spool_(std::move(spool)), blob_(std::move(blob)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::uint64_t left = blob_.size - done_;
    if (left == 0) return std::size_t{0};
    const std::uint64_t inside = done_ % kExtent;
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>({into.size(), left, kExtent - inside}));
    std::shared_ptr<const io::File> file;
    {
      MutexLock lock(spool_->mutex_);
      file = spool_->file_;
    }
    DAVIT_TRY(const std::size_t count,
              file->read_at(blob_.extents[done_ / kExtent] + inside, into.first(wanted)));
    if (count != wanted) return make_error(Errc::local_io, "a temporary file became shorter");
    done_ += count;
    return count;
  }

 private:
  std::shared_ptr<BlobSpool> spool_;  // co-owned with the tar that is written
  Blob blob_;
  std::uint64_t done_ = 0;
};

std::shared_ptr<BlobSpool> BlobSpool::in(std::string directory) {
  return std::shared_ptr<BlobSpool>(new BlobSpool(std::move(directory)));
}

Result<std::uint64_t> BlobSpool::extent() {
  MutexLock lock(mutex_);
  if (!file_) {
    DAVIT_TRY(io::File made, io::File::temporary(directory_));
    file_ = std::make_shared<const io::File>(std::move(made));
  }
  if (free_.empty()) return std::exchange(end_, end_ + kExtent);
  const std::uint64_t out = free_.back();
  free_.pop_back();
  return out;
}

Result<> BlobSpool::write(const Blob& blob, std::span<const std::byte> bytes) {
  std::shared_ptr<const io::File> file;
  {
    MutexLock lock(mutex_);
    file = file_;
  }
  const int failed = file->try_write_at(blob.extents.back() + blob.size % kExtent, bytes);
  if (failed == 0) return {};
  if (io::is_disk_full(failed)) full_ = true;
  return errno_error("write a temporary file in " + escaped(directory_, 400), failed);
}

/// Reads one piece and keeps it; 0 at the end.
Result<std::size_t> BlobSpool::take_piece(ByteSource& source, Blob& blob, std::span<std::byte> buffer,
                                          const CallContext& context) {
  DAVIT_TRY_VOID(check(context));
  const std::uint64_t room = kExtent - blob.size % kExtent;
  DAVIT_TRY(
      const std::size_t count,
      source.read(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), room)))));
  if (count == 0) return count;
  if (blob.size % kExtent == 0) {
    auto place = extent();
    if (!place) return place.error().on(Side::destination);
    blob.extents.push_back(*place);
  }
  const auto written = write(blob, buffer.first(count));
  if (!written) return written.error().on(Side::destination);
  blob.size += count;
  return count;
}

Result<BlobSpool::Blob> BlobSpool::take(ByteSource& source, const CallContext& context) {
  Blob blob;
  std::vector<std::byte> buffer(kPiece);
  for (;;) {
    auto count = take_piece(source, blob, buffer, context);
    if (!count) {
      drop(blob);
      return std::move(count).error();
    }
    if (*count == 0) return blob;
  }
}

void BlobSpool::drop(const Blob& blob) {
  MutexLock lock(mutex_);
  free_.insert(free_.end(), blob.extents.begin(), blob.extents.end());
}

std::unique_ptr<ByteSource> BlobSpool::open(Blob blob) {
  return std::make_unique<Source>(shared_from_this(), std::move(blob));
}

}  // namespace davit::archive
