#include "rootfs/text_store.h"

#include <cstring>

#include "base/error.h"

namespace davit::rootfs {
namespace {

// Untouched pages of a chunk cost nothing.
constexpr std::size_t kChunk = std::size_t{2} << 20;
constexpr std::size_t kMaxChunks = 512;
constexpr std::size_t kLength = sizeof(std::uint32_t);

void put(char* to, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  std::memcpy(to, &length, kLength);
  if (!text.empty()) std::memcpy(to + kLength, text.data(), text.size());
}

}  // namespace

Result<std::uint32_t> TextStore::add(std::string_view text) {
  const std::size_t needed = kLength + text.size();
  if (needed > kChunk) return make_error(Errc::corrupt, "attributes of more than 2 MiB");
  if (chunks_.empty() || needed > kChunk - used_) {
    if (chunks_.size() == kMaxChunks)
      return make_error(Errc::corrupt, "more than 1 GiB of names and attributes of directories");
    chunks_.emplace_back(new char[kChunk]);
    used_ = 0;
  }
  const auto place = static_cast<std::uint32_t>((chunks_.size() - 1) * kChunk + used_);
  put(address(place), text);
  used_ += needed;
  return place;
}

Result<std::uint32_t> TextStore::replace(std::uint32_t place, std::string_view text) {
  if (at(place).size() < text.size()) return add(text);
  put(address(place), text);
  return place;
}

std::string_view TextStore::at(std::uint32_t place) const {
  std::uint32_t length = 0;
  const char* from = address(place);
  std::memcpy(&length, from, kLength);
  return {from + kLength, length};
}

char* TextStore::address(std::uint32_t place) const {
  return chunks_[place / kChunk].get() + place % kChunk;
}

}  // namespace davit::rootfs
