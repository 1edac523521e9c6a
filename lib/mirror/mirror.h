#pragma once

#include <vector>

#include "mirror/delivery.h"
#include "mirror/route.h"
#include "mirror/services.h"

namespace davit::mirror {

/// Mirrors these repositories, or says what that would be. Discovery and transfer go side by side, on threads
/// of their own; entries are told about on this one. Errors: cancelled, timeout.
Result<MirrorTotals> run(const std::vector<Route>& routes, const MirrorOptions& options,
                         Delivering::Mode mode, const Services& services);

}  // namespace davit::mirror
