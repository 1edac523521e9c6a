#pragma once

#include <functional>
#include <stop_token>

#include "mirror/discovery.h"
#include "mirror/entries.h"
#include "mirror/services.h"

namespace davit::mirror {

/// How pruning is done.
struct Pruning {
  bool plan = false;  ///< nothing is deleted, and entries say what would be
  MirrorShard shard = {};
  std::stop_token enough = {};  ///< nothing new is begun
  std::function<Result<>(const PruneRecord&)> before_delete = {};
};

/// Deletes at the targets of one job what its source has no longer, tag by tag, each after it was recorded.
/// Where a registry cannot delete a tag alone its image is deleted, when nothing that is there by then needs
/// it. Digest tags go with the image that they belong to. More than the job allows: none at all; a plan lists
/// them nevertheless.
void prune(const std::vector<const Leftovers*>& of_job, const Pruning& how, const Services& services,
           Entries& entries, const CallContext& context);

}  // namespace davit::mirror
