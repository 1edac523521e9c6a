#pragma once

#include <davit/image.h>
#include <davit/inspect.h>

namespace davit::tool {

/// Prints the original bytes of an image's configuration, or says why there are none. Returns the exit code.
int print_config(const OpenedImage& image, const Inspection& found);

}  // namespace davit::tool
