#include "base/escape.h"

#include <cstdint>

namespace davit {
namespace {

/// Bytes of the well-formed UTF-8 sequence at the front of `text`; 0 when there is none (Unicode, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto within = [&](std::size_t i, std::uint8_t low, std::uint8_t high) {
    return at(i) >= low && at(i) <= high;
  };
  const auto tail = [&](std::size_t i) { return within(i, 0x80, 0xbf); };
  const std::uint8_t lead = at(0);
  if (text.empty()) return 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool second = lead == 0xe0 ? within(1, 0xa0, 0xbf) : lead == 0xed ? within(1, 0x80, 0x9f) : tail(1);
    return second && tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool second = lead == 0xf0 ? within(1, 0x90, 0xbf) : lead == 0xf4 ? within(1, 0x80, 0x8f) : tail(1);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string escaped(std::string_view text, std::size_t limit) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit) return out + "...";
    const auto byte = static_cast<std::uint8_t>(text.front());
    const std::size_t length = sequence_length(text);
    // C1 controls (U+0080..U+009F) move terminals as well as ESC does.
    const bool c1 = length == 2 && byte == 0xc2 && static_cast<std::uint8_t>(text[1]) < 0xa0;
    if (byte == '\n') {
      out += "\\n";
      text.remove_prefix(1);
    } else if (length == 0 || byte < 0x20 || byte == 0x7f || c1) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace davit
