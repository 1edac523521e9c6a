// Prints the digest of compressed sample data for some levels, one line each. The lines are the same on every
// processor, which `./dev check` tries under emulation; ctest compares them with determinism.golden. Only
// a new version of libdeflate or libzstd may change them.
#include <cstdio>

#include "codec/block_encoder.h"
#include "crypto/hasher.h"
#include "sample.h"

using namespace davit;

namespace {

Digest compressed(const codec::CompressSpec& spec, std::string_view plain) {
  const auto encoder = codec::BlockEncoder::create(spec);
  std::string out(codec::kEncodedMax, '\0');
  crypto::Hasher hasher;
  for (; !plain.empty(); plain.remove_prefix(std::min(plain.size(), codec::kBlockSize))) {
    const std::size_t size = encoder->encode(std::as_bytes(std::span(plain.substr(0, codec::kBlockSize))),
                                             std::as_writable_bytes(std::span(out)));
    hasher.update(std::as_bytes(std::span(out).first(size)));
  }
  return hasher.digest();
}

}  // namespace

int main() {
  const std::string mixed = test::sample(2 * codec::kBlockSize + 12345);
  const std::string noise = test::noise(codec::kBlockSize + 1);
  for (const auto kind : {model::Compression::gzip, model::Compression::zstd}) {
    for (const int level : {1, 2, 3, 6, 9}) {
      const codec::CompressSpec spec{.kind = kind, .level = level};
      const std::string name = std::string(model::to_string(kind)) + " " + std::to_string(level);
      std::printf("%s mixed %s\n", name.c_str(), compressed(spec, mixed).to_string().c_str());
      std::printf("%s noise %s\n", name.c_str(), compressed(spec, noise).to_string().c_str());
    }
  }
}
