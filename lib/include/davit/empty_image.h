#pragma once

#include <davit/export.h>
#include <davit/image.h>
#include <davit/platform.h>
#include <davit/result.h>

namespace davit {

/// An image without layers for this platform, in Docker's format until it is delivered: what append_layers()
/// puts layers on where there is no base. Errors: invalid_argument for a platform that is none.
DAVIT_EXPORT Result<OpenedImage> empty_image(const Platform& platform);

}  // namespace davit
