#include "words/columns.h"

#include <algorithm>

namespace davit::tool {

std::string wrapped(std::string_view text, std::size_t margin, std::size_t width) {
  std::string out;
  std::size_t column = margin;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > margin && column + 1 + word.size() > width) {
      out += "\n" + std::string(margin, ' ');
      column = margin;
    } else if (column > margin) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + "\n";
}

std::string in_columns(std::string_view name, std::string_view text, std::size_t column, std::size_t width) {
  std::string out = "  " + std::string(name);
  if (text.empty()) return out + "\n";
  if (out.size() + 2 > column) {
    out += "\n" + std::string(column, ' ');
  } else {
    out.resize(column, ' ');
  }
  return out + wrapped(text, column, width);
}

}  // namespace davit::tool
