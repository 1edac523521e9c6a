#include "mirror/shard.h"

#include <string>

namespace davit::mirror {

bool belongs(const MirrorShard& shard, std::string_view repository, const Digest& root) {
  if (shard.count < 2) return true;
  const Digest both = Digest::of(std::string(repository) + "@" + root.to_string());
  const std::uint64_t drawn = std::stoull(both.hex().substr(0, 16), nullptr, 16);
  return drawn % shard.count == shard.index;
}

}  // namespace davit::mirror
