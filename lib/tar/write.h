#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace davit::tar {

/// What stands in front of a file's content in a tar (POSIX.1-2001 "ustar"): the header, and before it a PAX
/// header for names that do not fit. Sizes from 8 GiB on are in base-256. Nobody owns the file, anybody may
/// read it; it was changed `mtime` seconds after the epoch. The same arguments always give the same bytes.
std::string file_head(std::string_view name, std::uint64_t size, std::uint64_t mtime);

/// How many zeros stand behind content of that size.
std::size_t padding(std::uint64_t size);

/// How many zeros end a tar.
inline constexpr std::size_t kEnd = 1024;

}  // namespace davit::tar
