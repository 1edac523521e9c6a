#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include <davit/result.h>

#include "model/media_type.h"

namespace davit::codec {

/// How to compress.
struct CompressSpec {
  model::Compression kind = model::Compression::gzip;  ///< gzip (levels 1 to 12) or zstd (levels 1 to 19)
  std::optional<int> level = {};                       ///< empty: 2 for gzip, 1 for zstd

  friend bool operator==(const CompressSpec&, const CompressSpec&) = default;
};

/// Errors: invalid_argument for a level that the kind does not have, or the kind `none`.
Result<> validate(const CompressSpec& spec);

/// Plain bytes are cut into blocks of this size; each becomes a gzip member or zstd frame of its own, so that
/// they can be made side by side and the result depends on nothing but the bytes.
inline constexpr std::size_t kBlockSize = 1u << 20;
/// Room that an encoded block may need.
inline constexpr std::size_t kEncodedMax = kBlockSize + (8u << 10);

/// Compresses one block at a time. The output is a function of the bytes and the spec alone: it is the same
/// for any number of threads and any processor. Needs up to 4 MiB; one thread at a time.
class BlockEncoder {
 public:
  virtual ~BlockEncoder() = default;
  /// How many bytes of `out` are used. REQUIRES: plain.size() <= kBlockSize, out.size() >= kEncodedMax.
  virtual std::size_t encode(std::span<const std::byte> plain, std::span<std::byte> out) = 0;

  /// REQUIRES: validate(spec) succeeds.
  static std::unique_ptr<BlockEncoder> create(const CompressSpec& spec);
};

}  // namespace davit::codec
