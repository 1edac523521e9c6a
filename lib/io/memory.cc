#include "io/memory.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace davit::io {

MemorySource::MemorySource(std::shared_ptr<const std::string> bytes, std::size_t offset)
    : bytes_(std::move(bytes)), offset_(std::min(offset, bytes_->size())) {}

Result<std::size_t> MemorySource::read(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), bytes_->size() - offset_);
  if (count != 0) std::memcpy(into.data(), bytes_->data() + offset_, count);
  offset_ += count;
  return count;
}

MemoryContent::MemoryContent(std::string bytes, std::string media_type)
    : bytes_(std::make_shared<const std::string>(std::move(bytes))) {
  descriptor_.media_type = std::move(media_type);
  descriptor_.digest = Digest::of(*bytes_);
  descriptor_.size = bytes_->size();
}

Result<std::unique_ptr<ByteSource>> MemoryContent::open(std::uint64_t offset, const CallContext&) const {
  if (offset > bytes_->size()) return make_error(Errc::internal, "a read beyond the end of a document");
  return std::unique_ptr<ByteSource>(
      std::make_unique<MemorySource>(bytes_, static_cast<std::size_t>(offset)));
}

}  // namespace davit::io
