#include "tar/write.h"

#include <cstring>

#include "tar/fields.h"

namespace davit::tar {

std::size_t padding(std::uint64_t size) {
  return static_cast<std::size_t>((kBlock - size % kBlock) % kBlock);
}

std::string file_head(std::string_view name, std::uint64_t size, std::uint64_t mtime) {
  std::string out;
  if (name.size() > kNameField) out = pax_head(name, pax_record("path", name));
  Block block{};
  put_text(block, 0, kNameField, name);
  put_octal(block, 100, 8, 0644);
  put_octal(block, 108, 8, 0);  // owner
  put_octal(block, 116, 8, 0);  // group
  put_number(block, 124, 12, size);
  put_octal(block, 136, 12, mtime);
  block[156] = '0';
  std::memcpy(&block[257],
              "ustar\0"
              "00",
              8);
  put_checksum(block);
  return out.append(block.data(), block.size());
}

}  // namespace davit::tar
