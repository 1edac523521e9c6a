#pragma once

#include <cstddef>
#include <vector>

#include <davit/mirror.h>
#include <davit/reference.h>

namespace davit::mirror {

/// One repository of a job, and where it goes.
struct Route {
  const MirrorJob* job = nullptr;  ///< outlives the run
  std::size_t number = 0;          ///< of the job
  Reference source;                ///< with a tag or a digest: that image alone
  std::vector<Reference> targets;  ///< host and repository
};

}  // namespace davit::mirror
