#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace davit::tar {

// How the fields of a header are written.

inline constexpr std::size_t kBlock = 512;
/// The longest PAX header, GNU long name or sparse map that is read.
inline constexpr std::uint64_t kMaxExtension = 1u << 20;
inline constexpr std::size_t kNameField = 100;
/// Where the old GNU form keeps its first pieces of a sparse map, whether more blocks follow, and the size.
inline constexpr std::size_t kSparseAt = 386;
inline constexpr std::size_t kSparseLength = 109;

using Block = std::array<char, kBlock>;

/// What stands in a field of text: up to NUL or its end.
std::string_view text_of(std::span<const std::byte> field);

/// As much of the text as fits.
void put_text(Block& block, std::size_t at, std::size_t length, std::string_view text);
/// Octal digits that end with NUL. REQUIRES: it fits.
void put_octal(Block& block, std::size_t at, std::size_t length, std::uint64_t value);
/// The same, or base-256 when it does not fit.
void put_number(Block& block, std::size_t at, std::size_t length, std::uint64_t value);
/// The last thing to be put.
void put_checksum(Block& block);

/// A whole header of what nobody owns and anybody may read. Of the name as much as fits.
Block plain_block(std::string_view name, char type, std::uint64_t size, std::uint64_t mtime);

/// "LENGTH key=value\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value);
/// A PAX header with these records, for the entry `name` that comes next.
std::string pax_head(std::string_view name, std::string_view records);

}  // namespace davit::tar
