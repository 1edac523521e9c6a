#pragma once

#include <optional>
#include <vector>

#include "mirror/delivery.h"
#include "mirror/route.h"
#include "mirror/services.h"

namespace davit::mirror {

/// How a run ended. The sums are right in any case.
struct Ended {
  MirrorTotals totals;
  std::optional<Error> error = {};  ///< cancelled, timeout: it ended before it was done
};

/// Mirrors these repositories, or says what that would be. Discovery and transfer go side by side, on threads
/// of their own; entries are told about on this one.
Ended run(const std::vector<Route>& routes, const MirrorOptions& options, Delivering::Mode mode,
          const Services& services);

}  // namespace davit::mirror
