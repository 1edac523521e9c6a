#pragma once

#include <davit/platform.h>

namespace davit::model {

/// The same platform with the names that Go has: `x86_64` is `amd64`, `aarch64` is `arm64`, all in lower
/// case. A variant stays what it is.
Platform spelled(const Platform& platform);

}  // namespace davit::model
