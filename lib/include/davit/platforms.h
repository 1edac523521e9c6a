#pragma once

#include <optional>
#include <vector>

#include <davit/content.h>
#include <davit/export.h>
#include <davit/platform.h>

namespace davit {

/// An image for one platform.
struct PlatformImage {
  std::optional<Platform> platform;  ///< empty where nobody says
  Descriptor manifest;
  bool attestation = false;  ///< what buildkit says about another entry
};

/// What an index lists, in its order; an image that is no index is the only one, with the platform of its
/// config. Errors: those of the source.
DAVIT_EXPORT Result<std::vector<PlatformImage>> platforms_of(ContentSource& source, const Descriptor& root,
                                                             const CallContext& context);

}  // namespace davit
