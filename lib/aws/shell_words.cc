#include "aws/shell_words.h"

#include "base/error.h"

namespace davit::aws {

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (quote == 0 && blank) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == '\\' && quote != '\'') {
      if (i + 1 == line.size()) return make_error(Errc::invalid_argument, "a backslash at the end");
      const char next = line[++i];
      // Inside double quotes a backslash is one unless it stands before these.
      if (quote == '"' && next != '"' && next != '\\') word += c;
      word += next;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      word += c;
    }
  }
  if (quote != 0) return make_error(Errc::invalid_argument, "a quote that is not closed");
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace davit::aws
