#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <davit/digest.h>

namespace davit::archive {

/// Whether the content behind a header is there. Only the time of last change tells: 1 s after the epoch for
/// what is pending, 0 otherwise.
enum class EntryState { pending, complete };

/// What stands in front of a file of an archive; a function of the arguments.
std::string entry_head(std::string_view name, std::uint64_t size, EntryState state);

/// The name of the entry that holds a blob: "blobs/sha256/...".
std::string blob_entry(const Digest& digest);

}  // namespace davit::archive
