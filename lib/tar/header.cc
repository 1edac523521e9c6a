#include "tar/header.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/try.h"
#include "tar/fields.h"

namespace davit::tar {
namespace {

constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 63) - 1;

/// Octal digits, or GNU's base-256 when the first bit is set.
Result<std::uint64_t> size_of(std::span<const std::byte> field) {
  const auto wrong = make_error(Errc::corrupt, "a tar entry with a malformed size");
  const auto first = std::to_integer<std::uint8_t>(field.front());
  std::uint64_t value = 0;
  if ((first & 0x80) != 0) {
    if ((first & 0x40) != 0) return wrong;  // negative
    value = first & 0x3f;
    for (const std::byte b : field.subspan(1)) {
      if (value > kMaxSize >> 8) return wrong;
      value = value << 8 | std::to_integer<std::uint8_t>(b);
    }
    return value;
  }
  std::string_view digits = text_of(field);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  for (const char c : digits) {
    if (c < '0' || c > '7') return wrong;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');  // at most 12 digits: cannot overflow
  }
  return value;
}

Result<std::uint64_t> pax_size(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || value > kMaxSize) {
    return make_error(Errc::corrupt, "a PAX header with a malformed number");
  }
  return value;
}

Result<> apply(std::string_view key, std::string_view value, PaxFields& fields) {
  const bool names = key == "path" || key == "linkpath" || key == "GNU.sparse.name";
  if (names && value.find('\0') != std::string_view::npos)
    return make_error(Errc::corrupt, "a PAX header with NUL in a name");
  if (key == "path") {
    if (!value.empty() && !fields.sparse) fields.path = value;
  } else if (key == "linkpath") {
    if (!value.empty()) fields.link = value;
  } else if (key == "size") {
    DAVIT_TRY(fields.size, pax_size(value));
  } else if (key.starts_with("GNU.sparse.")) {
    fields.sparse = true;
    if (key == "GNU.sparse.name") fields.path = value;
  }
  return {};
}

}  // namespace

bool is_header(std::span<const std::byte, 512> block) {
  constexpr std::size_t kField = 148;
  constexpr std::size_t kFieldSize = 8;
  std::int64_t unsigned_sum = 0;
  std::int64_t signed_sum = 0;  // what some old writers computed
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool field = i >= kField && i < kField + kFieldSize;
    const auto byte = field ? std::uint8_t{' '} : std::to_integer<std::uint8_t>(block[i]);
    unsigned_sum += byte;
    signed_sum += static_cast<std::int8_t>(byte);
  }
  std::int64_t written = 0;
  bool digits = false;
  for (std::size_t i = kField; i < kField + kFieldSize; ++i) {
    const char c = static_cast<char>(block[i]);
    if (c == ' ' && !digits) continue;
    if (c < '0' || c > '7') break;
    written = written * 8 + (c - '0');
    digits = true;
  }
  return digits && (written == unsigned_sum || written == signed_sum);
}

Result<std::optional<Header>> parse_header(std::span<const std::byte, 512> block) {
  if (std::ranges::all_of(block, [](std::byte b) { return b == std::byte{0}; }))
    return std::optional<Header>();
  if (!is_header(block)) return make_error(Errc::corrupt, "not a tar header (wrong checksum)");
  Header header;
  header.name = text_of(block.subspan(0, 100));
  DAVIT_TRY(header.size, size_of(block.subspan(124, 12)));
  header.type = static_cast<char>(block[156]);
  header.link = text_of(block.subspan(157, 100));
  const std::string_view magic(reinterpret_cast<const char*>(&block[257]), 6);
  if (magic ==
      std::string_view("ustar\0", 6)) {  // GNU's "ustar  " keeps other things where the prefix would be
    if (const std::string_view prefix = text_of(block.subspan(345, 155)); !prefix.empty()) {
      header.name = std::string(prefix) + "/" + header.name;
    }
  }
  if (header.type == '\0' || header.type == '7') header.type = '0';
  if (header.type == '0' && header.name.ends_with('/'))
    header.type = '5';  // how the oldest tars write directories
  header.more_sparse = header.type == 'S' && block[482] != std::byte{0};
  return std::optional(std::move(header));
}

Result<> for_each_record(std::string_view records, const EachRecord& each) {
  while (!records.empty() && records.front() != '\0') {
    const auto malformed = make_error(Errc::corrupt, "a malformed PAX header");
    const auto space = records.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 7) return malformed;
    std::size_t length = 0;
    const auto [stop, code] = std::from_chars(records.data(), records.data() + space, length);
    if (code != std::errc() || stop != records.data() + space) return malformed;
    if (length > records.size() || length < space + 3 || records[length - 1] != '\n') return malformed;
    const std::string_view record = records.substr(space + 1, length - space - 2);
    const auto equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) return malformed;
    DAVIT_TRY_VOID(each(record.substr(0, equals), record.substr(equals + 1)));
    records.remove_prefix(length);
  }
  return {};
}

Result<PaxFields> parse_pax(std::string_view records) {
  PaxFields fields;
  DAVIT_TRY_VOID(for_each_record(
      records, [&](std::string_view key, std::string_view value) { return apply(key, value, fields); }));
  return fields;
}

}  // namespace davit::tar
