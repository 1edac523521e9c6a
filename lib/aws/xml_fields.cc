#include "aws/xml_fields.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace davit::aws {
namespace {

constexpr std::size_t kLongestDocument = 256u << 10;

/// A step through a document: a tag, or nothing more.
struct Tag {
  std::string_view name;   ///< without prefix and attributes
  bool closing = false;    ///< </name>
  bool empty = false;      ///< <name/>
  std::string_view after;  ///< the document behind it
};

/// What must stand behind `text` for it to end: "-->" for a comment.
std::optional<std::string_view> behind(std::string_view text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return {};
  return text.substr(at + end.size());
}

/// The end of a tag: the first '>' outside of quotes.
std::size_t tag_end(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '>') {
      return i;
    }
  }
  return std::string_view::npos;
}

std::optional<Tag> next_tag(std::string_view text) {
  for (;;) {
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos) return {};
    text.remove_prefix(open + 1);
    std::optional<std::string_view> skipped;
    if (text.starts_with("!--")) {
      skipped = behind(text.substr(3), "-->");
    } else if (text.starts_with("![CDATA[")) {
      skipped = behind(text, "]]>");
    } else if (text.starts_with('?')) {
      skipped = behind(text, "?>");
    } else if (text.starts_with('!')) {
      return {};  // a document type: nothing that AWS sends
    } else {
      break;
    }
    if (!skipped) return {};
    text = *skipped;
  }
  const std::size_t end = tag_end(text);
  if (end == std::string_view::npos) return {};
  Tag tag{.name = text.substr(0, end), .after = text.substr(end + 1)};
  if (tag.name.starts_with('/')) {
    tag.closing = true;
    tag.name.remove_prefix(1);
  } else if (tag.name.ends_with('/')) {
    tag.empty = true;
    tag.name.remove_suffix(1);
  }
  tag.name = tag.name.substr(0, tag.name.find_first_of(" \t\r\n"));
  if (const std::size_t colon = tag.name.find(':'); colon != std::string_view::npos)
    tag.name.remove_prefix(colon + 1);
  return tag;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

/// `name` is what stands between '&' and ';'. False when it means nothing.
bool append_entity(std::string& out, std::string_view name) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kNamed = {
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [entity, character] : kNamed) {
    if (name == entity) {
      out += character;
      return true;
    }
  }
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const int base = name.starts_with('x') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) return false;
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  append_utf8(out, code);
  return true;
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t amp = text.find('&');
    out += text.substr(0, amp);
    if (amp == std::string_view::npos) break;
    text.remove_prefix(amp + 1);
    const std::size_t end = text.substr(0, 12).find(';');
    if (end != std::string_view::npos && append_entity(out, text.substr(0, end))) {
      text.remove_prefix(end + 1);
    } else {
      out += '&';
    }
  }
  return out;
}

}  // namespace

std::string xml_field(std::string_view document, std::string_view name) {
  if (document.size() > kLongestDocument) return {};
  while (const std::optional<Tag> tag = next_tag(document)) {
    document = tag->after;
    if (tag->closing || tag->name != name) continue;
    if (tag->empty) return {};
    const std::size_t open = document.find('<');
    const std::optional<Tag> end = next_tag(document);
    // An element in it, a comment or a section of raw text: nothing that AWS sends here.
    if (!end || !end->closing || end->name != name || !document.substr(open).starts_with("</")) return {};
    return unescaped(document.substr(0, open));
  }
  return {};
}

}  // namespace davit::aws
