#include "tar/write.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace davit::tar {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameField = 100;

using Block = std::array<char, kBlock>;

/// A field of octal digits that ends with NUL.
void put_octal(Block& block, std::size_t at, std::size_t length, std::uint64_t value) {
  block[at + length - 1] = '\0';
  for (std::size_t i = length - 1; i-- > 0; value >>= 3) block[at + i] = static_cast<char>('0' + (value & 7));
}

void put_size(Block& block, std::uint64_t size) {
  constexpr std::size_t kAt = 124;
  constexpr std::size_t kLength = 12;
  if (size < std::uint64_t{1} << 33) return put_octal(block, kAt, kLength, size);
  for (std::size_t i = kLength; i-- > 0; size >>= 8) block[kAt + i] = static_cast<char>(size & 0xff);
  block[kAt] = static_cast<char>(0x80);
}

std::string header(std::string_view name, std::uint64_t size, char type, std::uint64_t mtime) {
  Block block{};
  std::memcpy(block.data(), name.data(), std::min(name.size(), kNameField));
  put_octal(block, 100, 8, 0644);
  put_octal(block, 108, 8, 0);  // owner
  put_octal(block, 116, 8, 0);  // group
  put_size(block, size);
  put_octal(block, 136, 12, mtime);
  std::memset(&block[148], ' ', 8);  // counts as spaces in the checksum
  block[156] = type;
  std::memcpy(&block[257],
              "ustar\0"
              "00",
              8);
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, 148, 7, sum);
  return {block.data(), block.size()};
}

/// "LENGTH path=NAME\n", where LENGTH counts itself.
std::string path_record(std::string_view name) {
  const std::string rest = " path=" + std::string(name) + "\n";
  std::size_t length = rest.size();
  while (rest.size() + std::to_string(length).size() != length)
    length = rest.size() + std::to_string(length).size();
  return std::to_string(length) + rest;
}

}  // namespace

std::size_t padding(std::uint64_t size) {
  return static_cast<std::size_t>((kBlock - size % kBlock) % kBlock);
}

std::string file_head(std::string_view name, std::uint64_t size, std::uint64_t mtime) {
  std::string out;
  if (name.size() > kNameField) {
    const std::string record = path_record(name);
    out = header("PaxHeaders/" + std::string(name.substr(0, 80)), record.size(), 'x', 0);
    out += record;
    out.append(padding(record.size()), '\0');
  }
  return out + header(name, size, '0', mtime);
}

}  // namespace davit::tar
