#pragma once

#include <map>
#include <span>
#include <vector>

#include <davit/content.h>

#include "base/worker_pool.h"

namespace davit::look {

/// How much is read below one root.
struct ReadLimits {
  std::size_t levels = 16;
  std::size_t manifests = 10'000;
  std::uint64_t bytes = 64u << 20;
};

/// What became of each manifest that was asked for.
using ManifestResults = std::map<Digest, Result<Manifest>>;

/// Reads manifests side by side, in batches where the source answers in batches. One of another size than its
/// descriptor says is corrupt. REQUIRES: not called from the pool's threads.
ManifestResults read_manifests(ContentSource& source, std::span<const Descriptor> wanted, WorkerPool& pool,
                               const CallContext& context);

/// Everything that can be read at and below a root, level by level, each digest once. An error is what a
/// single manifest failed with; the walk goes on beside it.
class ManifestsBelow {
 public:
  ManifestsBelow(ContentSource& source, WorkerPool& pool, const CallContext& context)
      : source_(source), pool_(pool), context_(context) {}

  /// Errors: cancelled, timeout; corrupt beyond the limits. REQUIRES: called once.
  Result<> read(const Descriptor& root, ReferrerLister* referrers);

  [[nodiscard]] const ManifestResults& manifests() const { return manifests_; }
  /// What refers to each; those that nobody refers to are not in it.
  [[nodiscard]] const std::map<Digest, std::vector<Descriptor>>& referrers() const { return referrers_; }

 private:
  Result<> read_level(std::span<const Descriptor> level);
  Result<> ask_referrers(std::span<const Descriptor> level, ReferrerLister& lister);

  ContentSource& source_;
  WorkerPool& pool_;
  const CallContext& context_;
  ManifestResults manifests_;
  std::map<Digest, std::vector<Descriptor>> referrers_;
  std::uint64_t bytes_ = 0;
};

}  // namespace davit::look
