#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::tar {

/// One 512-byte header of a tar file, as its fields stand there (POSIX.1-1988 ustar, and the GNU form).
struct Header {
  std::string name;  ///< with the ustar prefix
  std::string link;
  std::uint64_t size = 0;
  char type = '0';
  bool more_sparse = false;  ///< old GNU sparse: blocks of map follow the header
};

/// Whether these 512 bytes are a tar header with a right checksum. A block of zeros is not one.
bool is_header(std::span<const std::byte, 512> block);

/// Empty for a block of zeros. Errors: corrupt.
Result<std::optional<Header>> parse_header(std::span<const std::byte, 512> block);

/// What PAX records (POSIX.1-2001, "pax Extended Header") say about the next entry.
struct PaxFields {
  std::optional<std::string> path;
  std::optional<std::string> link;
  std::optional<std::uint64_t> size;
  bool sparse = false;
};

/// Calls `each` with every key and value of PAX records, in their order. Errors: corrupt, and those of
/// `each`.
using EachRecord = std::function<Result<>(std::string_view key, std::string_view value)>;
Result<> for_each_record(std::string_view records, const EachRecord& each);

/// Errors: corrupt.
Result<PaxFields> parse_pax(std::string_view records);

}  // namespace davit::tar
