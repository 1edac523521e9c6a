#pragma once

#include <string>
#include <string_view>

#include "tar/entry.h"

namespace davit::rootfs {

/// What a tar says about a directory, in few bytes: directories are remembered until they are written.
std::string packed(const tar::Attributes& attributes);
/// REQUIRES: what packed() gave.
tar::Attributes unpacked(std::string_view bytes);

}  // namespace davit::rootfs
