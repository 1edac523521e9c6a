#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tar/reader.h"

namespace davit::rootfs {

/// What is compared of an entry, in few bytes: of what is long, half a SHA-256.
struct Facts {
  using Hash = std::array<std::byte, 16>;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
  Hash content{};     ///< or a symlink's target
  Hash attributes{};  ///< xattrs, exact times are not among them
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint16_t mode = 0755;
};

/// Reads the entry's content. Errors: those of the reader.
Result<Facts> facts_of(tar::Reader& reader);

/// What is different, in the words of ComparedFile::what, beside the type.
std::vector<std::string> differences(const Facts& first, const Facts& second, char type);

}  // namespace davit::rootfs
