#pragma once

#include <string_view>

#include <davit/mirror.h>

namespace davit::mirror {

/// Whether an image of a repository ("registry/repository") belongs to this part of the work. It follows from
/// the names and bytes alone: every image is in exactly one part, and images of one digest are together.
bool belongs(const MirrorShard& shard, std::string_view repository, const Digest& root);

}  // namespace davit::mirror
