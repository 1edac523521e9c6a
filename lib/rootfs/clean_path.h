#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::rootfs {

inline constexpr std::size_t kMaxPath = 4096;
inline constexpr std::size_t kMaxName = 255;  // of one part of a path: no file system takes more
inline constexpr int kMaxLinks = 40;          // followed for one path, as Linux does

/// The name of an entry as a path inside the root, without slashes at its ends: "/" and "./" in front go,
/// ".." goes up as far as the root. Empty for the root. Errors: corrupt beyond the limits.
Result<std::string> clean_path(std::string_view name);

/// Everything before the last part; empty when there is one part only.
std::string_view parent_of(std::string_view path);
std::string_view last_part(std::string_view path);

}  // namespace davit::rootfs
