#include "rootfs/facts.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/try.h"
#include "crypto/hasher.h"

namespace davit::rootfs {
namespace {

Facts::Hash shortened(const crypto::Hasher& hasher) {
  const std::string hex = hasher.digest().hex();
  Facts::Hash out{};
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::byte>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return out;
}

void update(crypto::Hasher& hasher, std::string_view text) {
  hasher.update(std::as_bytes(std::span(text)));
  constexpr std::byte kEnd{0};
  hasher.update(std::span(&kEnd, 1));
}

bool is_time(std::string_view key) {
  return key == "mtime" || key == "atime" || key == "ctime" || key == "LIBARCHIVE.creationtime";
}

}  // namespace

Result<Facts> facts_of(tar::Reader& reader) {
  const tar::Entry& entry = reader.entry();
  const tar::Attributes& said = entry.attributes;
  Facts out;
  out.size = entry.size;
  out.mtime = said.mtime;
  out.user = static_cast<std::uint32_t>(said.user);
  out.group = static_cast<std::uint32_t>(said.group);
  out.device_major = said.device_major;
  out.device_minor = said.device_minor;
  out.mode = static_cast<std::uint16_t>(said.mode);

  crypto::Hasher content;
  if (entry.type == '2') update(content, entry.link);
  std::array<std::byte, 16 << 10> buffer;
  for (;;) {
    DAVIT_TRY(const std::size_t count, reader.read(buffer));
    if (count == 0) break;
    content.update(std::span(buffer).first(count));
  }
  out.content = shortened(content);

  crypto::Hasher attributes;
  bool any = false;
  for (const auto& [key, value] : said.records) {
    if (is_time(key) || key == "hdrcharset") continue;
    any = true;
    update(attributes, key);
    update(attributes, value);
  }
  if (!said.sparse_map.empty()) update(attributes, said.sparse_map);
  if (any || !said.sparse_map.empty()) out.attributes = shortened(attributes);
  return out;
}

std::vector<std::string> differences(const Facts& first, const Facts& second, char type) {
  std::vector<std::string> out;
  const bool file = type == '0' || type == 'S';
  const bool device = type == '3' || type == '4';
  if (file && (first.size != second.size || first.content != second.content)) out.emplace_back("content");
  if (type == '2' && first.content != second.content) out.emplace_back("target");
  if (type != '2' && first.mode != second.mode) out.emplace_back("mode");  // that of a symlink means nothing
  if (first.user != second.user || first.group != second.group) out.emplace_back("owner");
  if (device && (first.device_major != second.device_major || first.device_minor != second.device_minor))
    out.emplace_back("device");
  if (first.attributes != second.attributes) out.emplace_back("attributes");
  if (first.mtime != second.mtime) out.emplace_back("time");
  return out;
}

}  // namespace davit::rootfs
