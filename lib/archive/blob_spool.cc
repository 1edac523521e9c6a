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
constexpr std::size_t kPiece = 256 << 10;  // a whole number of them is an extent

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
  const auto written = file->write_at(blob.extents.back() + blob.size % kExtent, bytes);
  if (!written) return written.error().with_context("temporary file in " + escaped(directory_, 400));
  return {};
}

Result<BlobSpool::Blob> BlobSpool::take(ByteSource& source, const CallContext& context) {
  Blob blob;
  std::vector<std::byte> buffer(kPiece);
  for (;;) {
    auto count = check(context) ? source.read(std::span(buffer).first(static_cast<std::size_t>(
                                      std::min<std::uint64_t>(kPiece, kExtent - blob.size % kExtent))))
                                : Result<std::size_t>(check(context).error());
    if (count && *count == 0) return blob;
    Result<> kept;
    if (count && blob.size % kExtent == 0) {
      if (auto place = extent()) {
        blob.extents.push_back(*place);
      } else {
        kept = place.error().on(Side::destination);
      }
    }
    if (count && kept) kept = write(blob, std::span(buffer).first(*count));
    if (!count || !kept) {
      drop(blob);
      return count ? kept.error().on(Side::destination) : std::move(count).error();
    }
    blob.size += *count;
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
