#include "tar/fields.h"

#include <algorithm>
#include <cstring>

#include "tar/write.h"

namespace davit::tar {

std::string_view text_of(std::span<const std::byte> field) {
  const std::string_view text(reinterpret_cast<const char*>(field.data()), field.size());
  return text.substr(0, text.find('\0'));
}

void put_text(Block& block, std::size_t at, std::size_t length, std::string_view text) {
  std::ranges::copy(text.substr(0, length), block.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_octal(Block& block, std::size_t at, std::size_t length, std::uint64_t value) {
  block[at + length - 1] = '\0';
  for (std::size_t i = length - 1; i-- > 0; value >>= 3) block[at + i] = static_cast<char>('0' + (value & 7));
}

void put_number(Block& block, std::size_t at, std::size_t length, std::uint64_t value) {
  if (value < std::uint64_t{1} << (3 * (length - 1))) return put_octal(block, at, length, value);
  for (std::size_t i = length; i-- > 0; value >>= 8) block[at + i] = static_cast<char>(value & 0xff);
  block[at] = static_cast<char>(0x80);
}

void put_checksum(Block& block) {
  std::memset(&block[148], ' ', 8);  // counts as spaces in the checksum
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, 148, 7, sum);
}

std::string pax_record(std::string_view key, std::string_view value) {
  const std::string rest = " " + std::string(key) + "=" + std::string(value) + "\n";
  std::size_t length = rest.size();
  while (rest.size() + std::to_string(length).size() != length)
    length = rest.size() + std::to_string(length).size();
  return std::to_string(length) + rest;
}

Block plain_block(std::string_view name, char type, std::uint64_t size, std::uint64_t mtime) {
  Block block{};
  put_text(block, 0, kNameField, name);
  put_octal(block, 100, 8, 0644);
  put_octal(block, 108, 8, 0);  // owner
  put_octal(block, 116, 8, 0);  // group
  put_number(block, 124, 12, size);
  put_octal(block, 136, 12, mtime);
  block[156] = type;
  std::memcpy(&block[257],
              "ustar\0"
              "00",
              8);
  put_checksum(block);
  return block;
}

std::string pax_head(std::string_view name, std::string_view records) {
  const Block block = plain_block("PaxHeaders/" + std::string(name.substr(0, 80)), 'x', records.size(), 0);
  std::string out(block.data(), block.size());
  out += records;
  out.append(padding(records.size()), '\0');
  return out;
}

}  // namespace davit::tar
