#pragma once

#include <chrono>
#include <cstdint>

#include <davit/content.h>

#include "transfer/progress.h"
#include "transfer/slots.h"

namespace davit::transfer {

struct AssembleOptions {
  std::uint64_t small = 8u << 20;  ///< up to here one thread does everything
  std::uint64_t least_part =
      4u << 20;  ///< of what a connection is given at a time: about what it brings in 0.25 s
  std::uint64_t most_part = 64u << 20;
  std::uint64_t lead = 16u << 20;  ///< what the first connection keeps when others join
  /// With more than this, hashing sets the pace: no connection helps, and no part further ahead is begun.
  std::uint64_t most_unhashed = 128u << 20;
  double worthwhile = 1.5;  ///< four times the connections have to bring this much, or they were too many
  std::chrono::milliseconds window{100};  ///< over which a rate is measured
};

/// Where a blob comes from: all of it, and, where the source can do that, stretches of it.
struct BlobSupply {
  const Descriptor& blob;
  const Content& content;
  RangeReader* ranges = nullptr;
};

/// Brings a blob into a draft and commits it. What an earlier run left is gone on with. Receiving and writing
/// go side by side with hashing; a large blob starts on one connection, and gets more of them for as long as
/// that makes it faster. Bytes may arrive in any order; they are hashed in theirs, read back from
/// the draft, so memory does not grow with the number of connections. The digest decides: a draft that turns
/// out wrong is emptied, and filled once more if an earlier run had begun it. Errors: those of the source (on
/// its side) and of the draft; corrupt.
Result<> assemble(const BlobSupply& supply, BlobDraft& draft, Slots& slots, BlobProgress& progress,
                  const AssembleOptions& options, const CallContext& context);

}  // namespace davit::transfer
