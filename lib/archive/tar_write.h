#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <davit/digest.h>

namespace davit::archive {

/// Whether the content behind a header is there. Only the time of last change tells: 1 s after the epoch for
/// what is pending, 0 otherwise.
enum class EntryState { pending, complete };

/// What stands in front of a file's content in a tar (POSIX.1-2001 "ustar"): the header, and before it a PAX
/// header for names that do not fit. Sizes from 8 GiB on are in base-256. Nobody owns the file, anybody may
/// read it; the same arguments always give the same bytes.
std::string tar_entry_head(std::string_view name, std::uint64_t size, EntryState state);

/// The name of the entry that holds a blob: "blobs/sha256/...".
std::string blob_entry(const Digest& digest);

/// How many zeros stand behind content of that size.
std::size_t tar_padding(std::uint64_t size);

/// How many zeros end a tar.
inline constexpr std::size_t kTarEnd = 1024;

}  // namespace davit::archive
