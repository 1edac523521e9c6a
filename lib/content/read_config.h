#pragma once

#include <optional>
#include <string>

#include <davit/content.h>

namespace davit::content {

/// The bytes of an image's configuration, verified. Errors: corrupt beyond 8 MiB or where they are others;
/// those of the source.
Result<std::string> read_config(ContentSource& source, const Descriptor& config, const CallContext& context);

/// The platform that an image's configuration states. Empty for anything that is not a container image.
/// Errors: as above.
Result<std::optional<Platform>> configured_platform(ContentSource& source, const Manifest& image,
                                                    const CallContext& context);

}  // namespace davit::content
