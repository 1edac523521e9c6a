#include "config/go_template.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::config {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

/// "FUNCTION "ARGUMENT"", where the argument has no escapes.
struct Call {
  std::string_view function;
  std::string_view argument;
};

std::optional<Call> parse_call(std::string_view inside) {
  const auto space = inside.find_first_of(kSpace);
  if (space == std::string_view::npos) return {};
  const std::string_view rest = trimmed(inside.substr(space));
  if (rest.size() < 2 || (rest.front() != '"' && rest.front() != '`') || rest.back() != rest.front())
    return {};
  const std::string_view argument = rest.substr(1, rest.size() - 2);
  if (argument.empty() || argument.find_first_of("\"`\\") != std::string_view::npos) return {};
  return Call{inside.substr(0, space), argument};
}

Result<std::string> value_of(std::string_view inside, const MirrorSurroundings& surroundings) {
  const auto call = parse_call(inside);
  const std::string argument(call ? call->argument : std::string_view());
  if (call && call->function == "env") {
    const auto value = surroundings.variables(argument);
    if (value) return *value;
    return make_error(Errc::invalid_argument,
                      "needs the variable " + escaped(argument, 60) + ", which is not set");
  }
  if (call && call->function == "file") {
    DAVIT_TRY(const std::string text, surroundings.small_file(argument));
    return std::string(trimmed(text));
  }
  return make_error(Errc::invalid_argument, "has a template that is not understood",
                    "{{env \"NAME\"}} and {{file \"PATH\"}} are");
}

}  // namespace

Result<FilledText> filled_template(const std::string& written, const MirrorSurroundings& surroundings) {
  FilledText out{.text = {}, .written = written};
  bool trim_next = false;
  const auto add = [&](std::string_view text, bool trim_end) {
    if (trim_next) text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    if (trim_end) text = text.substr(0, text.find_last_not_of(kSpace) + 1);
    out.text += text;
    trim_next = false;
  };
  std::string_view left = written;
  for (;;) {
    const auto open = left.find("{{");
    if (open == std::string_view::npos) {
      add(left, false);
      return out;
    }
    const auto close = left.find("}}", open + 2);
    if (close == std::string_view::npos) return make_error(Errc::invalid_argument, "has a {{ without its }}");
    std::string_view inside = left.substr(open + 2, close - open - 2);
    const bool trim_before = inside.starts_with("- ");
    const bool trim_behind = inside.size() > 1 && inside.ends_with(" -");
    if (trim_before) inside.remove_prefix(1);
    if (trim_behind) inside.remove_suffix(1);
    add(left.substr(0, open), trim_before);
    DAVIT_TRY(const std::string value, value_of(trimmed(inside), surroundings));
    out.text += value;
    out.filled = true;
    trim_next = trim_behind;
    left.remove_prefix(close + 2);
  }
}

}  // namespace davit::config
