#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <davit/result.h>

#include "model/media_type.h"

namespace davit::codec {

/// Undoes a compression step by step, in constant memory: gzip with any number of members, zstd with any
/// number of frames. Zeros behind the last gzip member are padding, as gzip(1) has it; anything else behind
/// the end is refused, because readers disagree about it. Zstd windows above 8 MiB (what every decoder must
/// have, RFC 8878) are refused. One thread at a time.
class Decoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool done = false;  ///< the input has ended where it may, and all output is out
  };

  static constexpr int kMaxWindowLog = 23;

  virtual ~Decoder() = default;
  /// `last` says that nothing follows `input`. REQUIRES: `output` is not empty. Makes progress, is done, or
  /// fails when `input` is not empty or `last` is set. Errors: corrupt.
  virtual Result<Step> step(std::span<const std::byte> input, bool last, std::span<std::byte> output) = 0;

  /// For `none`, a decoder that copies.
  static std::unique_ptr<Decoder> create(model::Compression kind);
};

}  // namespace davit::codec
