#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <davit/content.h>

#include "codec/block_encoder.h"

namespace davit::codec {

struct Workshop;

struct CompressorOptions {
  std::size_t threads = 0;                         ///< 0: one per core, and never more than the memory feeds
  std::uint64_t memory = std::uint64_t{24} << 20;  ///< for blocks; every source is given one even beyond that
};

/// The threads and the memory that all compression of one client shares. One layer alone may use all of both;
/// several at once share them: whoever has no block at all is given one, whatever the others hold, so nobody
/// waits for memory. Thread-safe. REQUIRES: outlives every source opened from its contents.
class Compressor {
 public:
  explicit Compressor(const CompressorOptions& options);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  [[nodiscard]] std::size_t threads() const;

  /// `plain`, compressed while it is read: reading and hashing happen on the thread that reads, compression
  /// on the pool. The result depends on the bytes and the spec alone. When `diff_id` is given, a `plain` with
  /// another digest fails before the last bytes are out. The descriptor (without a media type) is known after
  /// the first whole reading. An open in the middle compresses from the beginning and drops the front.
  /// REQUIRES: validate(spec) succeeds. Errors of a source: corrupt, and whatever `plain` fails with.
  std::shared_ptr<const Content> compressed(std::shared_ptr<const Content> plain, const CompressSpec& spec,
                                            const std::optional<Digest>& diff_id);

 private:
  std::shared_ptr<Workshop> workshop_;  // co-owned by the contents and their sources
};

}  // namespace davit::codec
