#pragma once

#include <string_view>

namespace davit::rootfs {

// How layers say what is gone (OCI image specification, "Whiteouts").

inline constexpr std::string_view kWhiteout = ".wh.";
/// In front of what AUFS kept for itself, and never meant for others.
inline constexpr std::string_view kReserved = ".wh..wh.";
/// Hides everything that lower layers have in this directory.
inline constexpr std::string_view kOpaque = ".wh..wh..opq";

/// Whether any part of the path is AUFS's own.
inline bool is_reserved(std::string_view path) {
  return path.starts_with(kReserved) || path.find("/.wh..wh.") != std::string_view::npos;
}

}  // namespace davit::rootfs
