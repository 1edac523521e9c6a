#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "mirror/claims.h"
#include "mirror/entries.h"
#include "mirror/find.h"
#include "mirror/outages.h"
#include "mirror/services.h"

namespace davit::mirror {

/// What a target has that its source has no longer.
struct Leftovers {
  Route route;
  Reference place;
  std::vector<std::string> gone;         ///< tags that may be deleted
  std::vector<std::string> digest_tags;  ///< which may go with the image that they belong to
  std::set<Digest> kept = {};            ///< images that are needed without a tag
  std::set<Digest> named = {};           ///< likewise, with all that is below them
};

/// Finds out what has to be copied, repository by repository, with as few questions as the registries allow.
/// Thread-safe: several repositories may be looked at at once. REQUIRES: everything outlives it.
class Discovery {
 public:
  /// Gets images that are missing somewhere, and may wait until there is room for them.
  using Deliver = std::function<void(std::vector<Find>)>;

  /// `plan`: nothing is going to be written, and what repositories are missing is found out.
  Discovery(const Services& services, const MirrorShard& shard, bool plan, Entries& entries, Outages& outages,
            Claims& claims, Deliver deliver, CallContext context);

  /// Looks at one repository and its targets. What cannot be known is an entry that failed.
  void explore(const Route& route);

  /// What explore() saw that the sources have no longer, of jobs that prune.
  [[nodiscard]] std::vector<Leftovers> leftovers();

 private:
  friend class Exploration;

  const Services& services_;
  const MirrorShard shard_;
  const bool plan_;
  Entries& entries_;
  Outages& outages_;
  Claims& claims_;
  const Deliver deliver_;
  const CallContext context_;
  WorkerPool questions_;  ///< about one tag each
  WorkerPool children_;   ///< of one index each
  Mutex mutex_;
  std::vector<Leftovers> leftovers_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::mirror
