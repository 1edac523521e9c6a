#include "tar/write.h"

#include "tar/fields.h"

namespace davit::tar {

std::size_t padding(std::uint64_t size) {
  return static_cast<std::size_t>((kBlock - size % kBlock) % kBlock);
}

std::string file_head(std::string_view name, std::uint64_t size, std::uint64_t mtime) {
  std::string out;
  if (name.size() > kNameField) out = pax_head(name, pax_record("path", name));
  const Block block = plain_block(name, '0', size, mtime);
  return out.append(block.data(), block.size());
}

}  // namespace davit::tar
