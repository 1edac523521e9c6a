#include "words/roff.h"

#include <algorithm>

namespace davit::tool {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '"':
        out += "\\(dq";
        break;
      default:
        out += c;
    }
  }
  return out;
}

bool is_option_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

std::string roff(std::string_view text) {
  const std::string out = escaped(text);
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string roff_bold(std::string_view text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string roff_italic(std::string_view text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string roff_with_options(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto at = text.find("--");
    while (at != std::string_view::npos && at > 0 && is_option_letter(text[at - 1]))
      at = text.find("--", at + 2);
    at = std::min(at, text.size());
    out += out.empty() ? roff(text.substr(0, at)) : escaped(text.substr(0, at));
    text.remove_prefix(at);
    const auto* end = std::ranges::find_if_not(text, is_option_letter);
    const auto length = static_cast<std::size_t>(end - text.begin());
    if (length > 0) out += roff_bold(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace davit::tool
