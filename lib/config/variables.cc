#include "config/variables.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::config {
namespace {

constexpr std::size_t kLongestText = 1u << 16;

bool is_name(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_'; });
}

/// What stands between the braces.
Result<std::string> value_of(std::string_view inside, const Variables& variables) {
  const auto end = inside.find_first_of(":-?+=");
  const std::string name(inside.substr(0, end));
  const std::string shown = "${" + escaped(name, 60) + "}";
  if (name == "repo" || name == "name" || name == "registry")
    return make_error(Errc::invalid_argument, "has " + shown + ", a variable",
                      "the name of the source's repository is {repo}, {name} or {registry}, without $");
  if (!is_name(name)) return make_error(Errc::invalid_argument, "has " + shown + ", which is no variable");
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : inside.substr(end);
  const bool has_default = rest.starts_with(":-");
  const bool has_message = rest.starts_with(":?");
  if (!rest.empty() && !has_default && !has_message) {
    return make_error(Errc::invalid_argument,
                      "has ${" + name + escaped(rest.substr(0, 1), 1) + "...}, which is not understood",
                      "${NAME}, ${NAME:-default} and ${NAME:?message} are");
  }
  if (rest.find("${") != std::string_view::npos)
    return make_error(Errc::invalid_argument, "has a variable within " + shown);
  const std::optional<std::string> value = variables(name);
  if (value && (rest.empty() || !value->empty())) return *value;
  if (has_default) return std::string(rest.substr(2));
  std::string why = "needs the variable " + name + ", which is " + (value ? "empty" : "not set");
  if (rest.size() > 2) why += ": " + escaped(rest.substr(2), 200);
  return make_error(Errc::invalid_argument, why, "${" + name + ":-default} does without it");
}

}  // namespace

Result<FilledText> filled(std::string_view written, const Variables& variables) {
  FilledText out{.text = {}, .written = std::string(written)};
  while (!written.empty()) {
    const auto dollar = written.find('$');
    out.text += written.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    written.remove_prefix(dollar + 1);
    if (written.starts_with('$')) {
      out.text += '$';
      written.remove_prefix(1);
    } else if (written.starts_with('{')) {
      const auto close = written.find('}');
      if (close == std::string_view::npos)
        return make_error(Errc::invalid_argument, "has a ${ without its }", "a $ that is meant as one is $$");
      DAVIT_TRY(const std::string value, value_of(written.substr(1, close - 1), variables));
      out.text += value;
      out.filled = true;
      written.remove_prefix(close + 1);
    } else {
      out.text += '$';  // as at the end of a pattern
    }
    if (out.text.size() > kLongestText) return make_error(Errc::invalid_argument, "becomes too long");
  }
  return out;
}

}  // namespace davit::config
