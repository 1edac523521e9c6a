#include "codec/sniff.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "tar/header.h"

namespace davit::codec {
namespace {

bool all_zero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\0'; });
}

std::string_view without_space(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool starts_with_any_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && same_but_case(text.substr(0, lower.size()), lower);
}

}  // namespace

FileKind sniff(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.empty()) return FileKind::empty;
  if (text.starts_with("\x1f\x8b")) return FileKind::gzip;
  if (text.starts_with("\x28\xb5\x2f\xfd")) return FileKind::zstd;
  // A skippable frame: 0x184D2A5? in little-endian order.
  if (text.size() >= 4 && (text[0] & '\xf0') == '\x50' && text.substr(1, 3) == "\x2a\x4d\x18")
    return FileKind::zstd;
  if (text.starts_with(std::string_view("\xfd"
                                        "7zXZ\0",
                                        6))) {
    return FileKind::xz;
  }
  if (text.starts_with("BZh")) return FileKind::bzip2;
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return FileKind::zip;
  if (text.starts_with("hsqs") || text.starts_with("sqsh")) return FileKind::squashfs;
  if (head.size() >= 512 && (tar::is_header(head.first<512>()) || all_zero(text.substr(0, 512))))
    return FileKind::tar;
  const std::string_view document = without_space(text);
  for (const std::string_view tag : {"<!doctype html", "<html", "<head", "<body", "<!--", "<?xml"}) {
    if (starts_with_any_case(document, tag)) return FileKind::html;
  }
  if (document.starts_with('{') || document.starts_with('[')) return FileKind::json;
  return FileKind::unknown;
}

std::string describe(FileKind kind) {
  switch (kind) {
    case FileKind::empty:
      return "an empty file";
    case FileKind::tar:
      return "a tar file";
    case FileKind::gzip:
      return "a gzip file";
    case FileKind::zstd:
      return "a zstd file";
    case FileKind::xz:
      return "an xz file";
    case FileKind::bzip2:
      return "a bzip2 file";
    case FileKind::zip:
      return "a zip file";
    case FileKind::squashfs:
      return "a squashfs image";
    case FileKind::html:
      return "an HTML or XML page";
    case FileKind::json:
      return "a JSON document";
    case FileKind::unknown:
      return "nothing known";
  }
  return "nothing known";
}

model::Compression compression_of(FileKind kind) {
  if (kind == FileKind::gzip) return model::Compression::gzip;
  if (kind == FileKind::zstd) return model::Compression::zstd;
  return model::Compression::none;
}

}  // namespace davit::codec
