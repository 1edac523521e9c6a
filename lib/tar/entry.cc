#include "tar/entry.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "tar/fields.h"
#include "tar/header.h"

namespace davit::tar {
namespace {

constexpr std::string_view kSparse = "GNU.sparse.";

/// Octal digits, or base-256 in two's complement when the first bit is set.
std::int64_t number(std::span<const std::byte> field) {
  const auto first = std::to_integer<std::uint8_t>(field.front());
  if ((first & 0x80) != 0) {
    const bool negative = (first & 0x40) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} << 6 | (first & 0x3f) : first & 0x3f;
    for (const std::byte b : field.subspan(1)) value = value << 8 | std::to_integer<std::uint8_t>(b);
    const auto out = static_cast<std::int64_t>(value);
    return (out < 0) == negative ? out : 0;
  }
  std::string_view digits = text_of(field);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  std::int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '7') break;
    value = value << 3 | (c - '0');  // at most 12 digits: cannot overflow
  }
  return value;
}

template <class Integer>
Result<Integer> decimal(std::string_view text) {
  Integer value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end)
    return make_error(Errc::corrupt, "a PAX header with a malformed number");
  return value;
}

/// The whole seconds of "-12.5", rounded down.
Result<std::int64_t> seconds(std::string_view text) {
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (!std::ranges::all_of(fraction, is_digit))
    return make_error(Errc::corrupt, "a PAX header with a malformed time");
  std::int64_t value = 0;
  if (whole != "-" && (!whole.empty() || fraction.empty())) {
    DAVIT_TRY(value, decimal<std::int64_t>(whole));
  }
  const bool below = text.starts_with('-') && fraction.find_first_not_of('0') != std::string_view::npos;
  return below && value > std::numeric_limits<std::int64_t>::min() ? value - 1 : value;
}

Result<> apply(std::string_view key, std::string_view value, Attributes& to) {
  if (key == "path" || key == "linkpath" || key == "size" || key == "GNU.sparse.name") return {};
  if (value.empty()) {  // "shall delete any header block value": there is none to go back to here
    to.records.erase(std::string(key));
    return {};
  }
  if (key == "uid") {
    DAVIT_TRY(to.user, decimal<std::uint64_t>(value));
    return {};
  }
  if (key == "gid") {
    DAVIT_TRY(to.group, decimal<std::uint64_t>(value));
    return {};
  }
  if (key == "mtime") {
    DAVIT_TRY(to.mtime, seconds(value));
    if (value.find('.') == std::string_view::npos) return {};
  }
  // The oldest sparse form repeats its keys; the next one has the same numbers in one value.
  if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
    DAVIT_TRY_VOID(decimal<std::uint64_t>(value));
    std::string& map = to.records["GNU.sparse.map"];
    if (!map.empty()) map += ',';
    map += value;
    return {};
  }
  to.records.insert_or_assign(std::string(key), std::string(value));
  return {};
}

constexpr std::uint64_t octal_limit(std::size_t digits) {
  return std::uint64_t{1} << (3 * digits);
}

}  // namespace

bool Entry::is_sparse() const {
  if (type == 'S') return true;
  const auto first = attributes.records.lower_bound(kSparse);
  return first != attributes.records.end() && first->first.starts_with(kSparse);
}

Attributes parse_attributes(std::span<const std::byte, 512> block) {
  const auto unsigned_number = [&](std::size_t at, std::size_t length) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(number(block.subspan(at, length)), 0));
  };
  Attributes out;
  out.mode = static_cast<std::uint32_t>(unsigned_number(100, 8) & 07777);
  out.user = unsigned_number(108, 8);
  out.group = unsigned_number(116, 8);
  out.mtime = number(block.subspan(136, 12));
  const std::string_view magic(reinterpret_cast<const char*>(&block[257]), 5);
  if (magic == "ustar") {
    out.user_name = text_of(block.subspan(265, 32));
    out.group_name = text_of(block.subspan(297, 32));
    out.device_major = static_cast<std::uint32_t>(unsigned_number(329, 8));
    out.device_minor = static_cast<std::uint32_t>(unsigned_number(337, 8));
  }
  if (static_cast<char>(block[156]) == 'S')
    out.sparse_map.assign(reinterpret_cast<const char*>(&block[kSparseAt]), kSparseLength);
  return out;
}

Result<> apply_records(std::string_view records, Attributes& attributes) {
  return for_each_record(
      records, [&](std::string_view key, std::string_view value) { return apply(key, value, attributes); });
}

std::string entry_head(const Entry& entry, std::string_view name, std::string_view link) {
  const Attributes& attributes = entry.attributes;
  std::string shown(name);
  if (entry.type == '5' && !shown.ends_with('/')) shown += '/';

  auto records = attributes.records;
  const bool sparse = entry.is_sparse() && entry.type != 'S';
  if (sparse) records.insert_or_assign("GNU.sparse.name", shown);
  if (shown.size() > kNameField) records.insert_or_assign("path", shown);
  if (link.size() > kNameField) records.insert_or_assign("linkpath", std::string(link));
  const bool time_fits =
      attributes.mtime >= 0 && static_cast<std::uint64_t>(attributes.mtime) < octal_limit(11);
  if (!time_fits) records.try_emplace("mtime", std::to_string(attributes.mtime));
  std::string out;
  if (!records.empty()) {
    if (!is_utf8(shown) || !is_utf8(link)) records.try_emplace("hdrcharset", "BINARY");
    std::string text;
    // How the names are written comes before the names.
    if (const auto found = records.find("hdrcharset"); found != records.end())
      text += pax_record(found->first, found->second);
    for (const auto& [key, value] : records)
      if (key != "hdrcharset") text += pax_record(key, value);
    out = pax_head(name, text);
  }

  Block block{};
  put_text(block, 0, kNameField, shown);
  put_octal(block, 100, 8, attributes.mode);
  put_number(block, 108, 8, attributes.user);
  put_number(block, 116, 8, attributes.group);
  put_number(block, 124, 12, entry.size);
  put_octal(block, 136, 12, time_fits ? static_cast<std::uint64_t>(attributes.mtime) : 0);
  block[156] = entry.type;
  put_text(block, 157, kNameField, link);
  const bool gnu = entry.type == 'S';
  std::memcpy(&block[257],
              gnu ? "ustar  \0"
                  : "ustar\0"
                    "00",
              8);
  put_text(block, 265, 31, attributes.user_name);
  put_text(block, 297, 31, attributes.group_name);
  if (entry.type == '3' || entry.type == '4') {
    put_number(block, 329, 8, attributes.device_major);
    put_number(block, 337, 8, attributes.device_minor);
  }
  const std::string& map = attributes.sparse_map;
  if (gnu) put_text(block, kSparseAt, kSparseLength, map);
  put_checksum(block);
  out.append(block.data(), block.size());
  if (gnu && map.size() > kSparseLength) out.append(map, kSparseLength);
  return out;
}

}  // namespace davit::tar
