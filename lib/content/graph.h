#pragma once

#include <set>
#include <vector>

#include <davit/content.h>

#include "base/worker_pool.h"

namespace davit::content {

/// Everything below a root, each digest once.
struct Graph {
  std::vector<Manifest> manifests;  ///< children before parents: the root is last
  std::vector<Descriptor> blobs;    ///< configs and layers, foreign layers left out
};

struct WalkLimits {
  std::size_t depth = 8;  ///< of indexes within indexes
  std::size_t manifests = 10'000;
  std::size_t blobs = 1'000'000;
  std::uint64_t bytes = 64u << 20;  ///< of all manifests together
};

struct WalkOptions {
  WorkerPool* pool = nullptr;  ///< the children of an index are read side by side
  bool referrers = false;      ///< what refers to any manifest of the graph belongs to it too
  /// Manifests that are not of interest, nor is what is below them: neither is in the graph.
  const std::set<Digest>* without = nullptr;
  WalkLimits limits = {};
};

/// Reads the manifests (only those) below `root`. Iterative, so no document can exhaust the stack. A referrer
/// counts as a child of its subject. REQUIRES: not called from the pool's threads. Errors: corrupt when a
/// child is not what its descriptor says or a limit is passed, and whatever the source says.
Result<Graph> walk(ContentSource& source, const Descriptor& root, const CallContext& context,
                   const WalkOptions& options = {});

}  // namespace davit::content
