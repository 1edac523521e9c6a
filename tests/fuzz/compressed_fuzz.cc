// The first byte chooses gzip or zstd, the rest is the data. Nothing may get past the limit, and opening
// twice gives the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/decompress.h"
#include "codec/sniff.h"
#include "io/memory.h"

using namespace davit;

namespace {

constexpr std::uint64_t kLimit = 1 << 20;

std::pair<std::uint64_t, bool> expand(const Content& content, std::size_t step) {
  auto source = content.open(0, {});
  if (!source) std::abort();
  std::string buffer(step, '\0');
  std::uint64_t total = 0;
  for (;;) {
    auto count = (*source)->read(std::as_writable_bytes(std::span(buffer)));
    if (!count) return {total, false};
    if (*count == 0) return {total, true};
    total += *count;
    if (total > kLimit) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = data[0] % 2 == 0 ? model::Compression::gzip : model::Compression::zstd;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  static_cast<void>(codec::sniff(std::as_bytes(std::span(bytes))));
  const auto content =
      codec::decompressed(kind, std::make_shared<io::MemoryContent>(bytes, ""), {.bytes = kLimit});
  const auto large = expand(*content, 64 << 10);
  const auto small = expand(*content, 777);
  if (large.second != small.second) std::abort();
  if (large.second && large.first != small.first) std::abort();
  return 0;
}
