#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::tar {

/// What an entry says beside its name and content.
struct Attributes {
  std::uint32_t mode = 0;  ///< permission bits, set-user-ID and their like
  std::uint64_t user = 0;
  std::uint64_t group = 0;
  std::int64_t mtime = 0;  ///< whole seconds since the epoch; a fraction is in `records`
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::string user_name;
  std::string group_name;
  /// PAX records but those that name or measure the entry: xattrs, exact times, sparse maps.
  std::map<std::string, std::string, std::less<>> records;
  /// The old GNU form's map of a sparse file (type 'S'): what stands in the header, then further blocks.
  std::string sparse_map;

  friend bool operator==(const Attributes&, const Attributes&) = default;
};

/// One entry of a tar, with everything that was said about it in front of it.
struct Entry {
  std::string name;  ///< as it stands there: absolute, with "..", whatever
  std::string link;
  char type = '0';         ///< '0' to '6', or 'S'
  std::uint64_t size = 0;  ///< of what follows; less than the file's own when that is sparse
  Attributes attributes;

  /// Whether `size` bytes are to be read with a map in mind.
  [[nodiscard]] bool is_sparse() const;
};

/// The fields of a header that a reader of names does not need. Malformed numbers count as 0, except
/// for times before the epoch, as all tar programs have it.
Attributes parse_attributes(std::span<const std::byte, 512> block);

/// Takes in the PAX records of an entry, over what its header says. Errors: corrupt.
Result<> apply_records(std::string_view records, Attributes& attributes);

/// What stands in front of the content: a PAX header where one is needed, and a ustar header, with the
/// entry's attributes under another name and link. Directories' names get their slash here. A function of the
/// arguments.
std::string entry_head(const Entry& entry, std::string_view name, std::string_view link);

}  // namespace davit::tar
