#include "model/target_name.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::model {
namespace {

std::string as_component(const std::string& host) {
  std::string out = host;
  std::ranges::replace_if(
      out, [](char c) { return !is_lower(c) && !is_digit(c) && c != '.' && c != '-'; }, '-');
  while (!out.empty() && (out.front() == '-' || out.front() == '.')) out.erase(0, 1);
  while (!out.empty() && (out.back() == '-' || out.back() == '.')) out.pop_back();
  return out;
}

}  // namespace

Result<std::string> fill_target(std::string_view pattern, const Reference& source) {
  std::string out;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = pattern.find('}', open);
    const std::string_view word =
        close == std::string_view::npos ? pattern.substr(open) : pattern.substr(open + 1, close - open - 1);
    if (close != std::string_view::npos && word == "repo") {
      out += source.repository;
    } else if (close != std::string_view::npos && word == "name") {
      out += source.repository.substr(source.repository.rfind('/') + 1);
    } else if (close != std::string_view::npos && word == "registry") {
      out += as_component(source.host);
    } else {
      return make_error(Errc::invalid_argument,
                        "\"" + escaped(word, 60) + "\" is no placeholder of a mirror's target",
                        "{repo}, {name} and {registry} are; tags stay as they are");
    }
    pattern.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace davit::model
