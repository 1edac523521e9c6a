#pragma once

#include <string>

#include <davit/content.h>

namespace davit::io {

/// Everything a source has, as long as that is at most `limit` bytes. Errors: corrupt beyond the limit.
Result<std::string> read_all(ByteSource& source, std::size_t limit);

/// Reads until `into` is full or the source ends; says how much there was.
Result<std::size_t> read_full(ByteSource& source, std::span<std::byte> into);

}  // namespace davit::io
