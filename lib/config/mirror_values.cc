#include "config/mirror_values.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <re2/re2.h>

#include <davit/digest.h>
#include <davit/reference.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/replace_all.h"

namespace davit::config {
namespace {

constexpr const char* kPatternHint = "patterns are RE2 and match the whole: 1\\.[0-9]+";
constexpr const char* kSourceHint =
    "REGISTRY/REPOSITORY, with :TAG or @DIGEST one image of it; REGISTRY alone or REGISTRY/TEAM/* what it "
    "lists";

std::size_t seconds_in(char unit) {
  constexpr std::size_t kDay = 86'400;
  switch (unit) {
    case 'w':
      return 7 * kDay;
    case 'd':
      return kDay;
    case 'h':
      return 3600;
    case 'm':
      return 60;
    case 's':
      return 1;
    default:
      return 0;
  }
}

/// Empty when it is no age.
std::optional<std::chrono::seconds> parse_age(std::string_view text) {
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (problem != std::errc() || used == text.size()) return {};
    const std::size_t unit = seconds_in(text[used]);
    if (unit == 0 || number > 100'000'000) return {};
    total += number * unit;
    if (total > 100ull * 366 * 24 * 3600) return {};
    text.remove_prefix(used + 1);
  }
  if (total == 0) return {};
  return std::chrono::seconds(total);
}

/// `*` in the names below a registry.
bool is_name_pattern(std::string_view text) {
  const auto fits = [](char c) {
    return is_lower(c) || is_digit(c) || c == '*' || c == '/' || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && std::ranges::all_of(text, fits) && text.find("//") == std::string_view::npos &&
         text.front() != '/' && text.back() != '/';
}

}  // namespace

std::string quoted(const FilledText& value) {
  if (Reference::holds_credentials(value.written)) return "a name with a password in it";
  return "\"" + escaped(value.written, 120) + "\"";
}

std::string with_detail(const std::string& why, const FilledText& value, const std::string& detail) {
  if (value.filled) return why + " when its variables are filled in";
  if (Reference::holds_credentials(value.written)) return why;
  return why + ": " + escaped(detail, 200);
}

Result<std::string> pattern_of(const FilledText& value, const YAML::Node& node, const Place& place,
                               const std::string& shape) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  // By itself first: "a)(b" would fit into a group.
  if (const re2::RE2 alone(value.text, options); !alone.ok())
    return place.wrong(node, with_detail(quoted(value) + " is no pattern", value, alone.error()),
                       kPatternHint);
  const auto at = shape.find('@');
  std::string whole = shape.substr(0, at) + value.text + shape.substr(at + 1);
  if (const re2::RE2 shaped(whole, options); !shaped.ok())
    return place.wrong(node, with_detail(quoted(value) + " is no pattern", value, shaped.error()),
                       kPatternHint);
  return whole;
}

Setter patterns(std::vector<std::string>& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const std::vector<FilledText> texts, filled_texts_of(node, place));
    into.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      DAVIT_TRY(into.emplace_back(), pattern_of(texts[i], node.IsSequence() ? node[i] : node, place));
    }
    return {};
  };
}

Result<std::chrono::seconds> age_of(const YAML::Node& node, const Place& place) {
  DAVIT_TRY(const FilledText value, filled_text_of(node, place));
  const auto age = parse_age(value.text);
  if (!age)
    return place.wrong(node, quoted(value) + " is no age", "30d, 12h, 1d12h: w, d, h, m and s are known");
  return *age;
}

Setter platforms(std::vector<Platform>& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const std::vector<FilledText> texts, filled_texts_of(node, place));
    into.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].text == "all") {  // as --platform has it
        into.clear();
        continue;
      }
      auto platform = Platform::parse(texts[i].text);
      if (!platform) {
        return place.wrong(
            node.IsSequence() ? node[i] : node,
            with_detail(quoted(texts[i]) + " is no platform", texts[i], platform.error().message),
            "linux/arm64, linux/arm/v7, windows/amd64:10.0.17763.1");
      }
      into.push_back(*std::move(platform));
    }
    return {};
  };
}

Result<> check_tag(const FilledText& value, const YAML::Node& node, const Place& place) {
  if (Reference::is_tag(value.text) || Digest::parse(value.text)) return {};
  return place.wrong(node, quoted(value) + " is neither a tag nor a digest",
                     "patterns of tags belong under include");
}

bool is_listed(const std::string& source) {
  if (source.find('*') != std::string::npos || source.ends_with('/')) return true;
  if (source.starts_with("ecr:")) return source == "ecr:";
  return source.find('/') == std::string::npos && Reference::parse_registry(source).has_value();
}

Result<> check_source(const FilledText& value, const YAML::Node& node, const Place& place) {
  const std::string& text = value.text;
  const auto wrong = [&](const std::string& detail) {
    return place.wrong(node, with_detail(quoted(value) + " is no source", value, detail), kSourceHint);
  };
  if (Reference::holds_credentials(text))
    return place.wrong(node, "has a password in it", "credentials belong under registries");
  if (text.starts_with("ecr:")) return {};  // AWS knows the rest
  if (is_listed(text)) {
    const auto slash = text.find('/');
    const auto registry = Reference::parse_registry(text.substr(0, slash));
    if (!registry) return wrong(registry.error().message);
    const std::string rest = slash == std::string::npos ? "" : text.substr(slash + 1);
    if (!rest.empty() && !is_name_pattern(rest))
      return wrong("the names of repositories are small letters, digits and ._-/, and * for any of them");
    return {};
  }
  const auto reference = Reference::parse(text);
  if (!reference) return wrong(reference.error().message);
  return {};
}

Result<> check_target(const FilledText& value, const YAML::Node& node, const Place& place) {
  const auto wrong = [&](const std::string& detail) {
    return place.wrong(
        node, with_detail(quoted(value) + " is no target", value, detail),
        "REGISTRY/REPOSITORY, with {repo}, {name} or {registry} for parts of the source's name");
  };
  if (Reference::holds_credentials(value.text))
    return place.wrong(node, "has a password in it", "credentials belong under registries");
  std::string example = value.text;
  for (const char* known : {"{repo}", "{name}", "{registry}"}) replace_all(example, known, "x.example");
  if (example.find_first_of("{}") != std::string::npos)
    return wrong("only {repo}, {name} and {registry} are known");
  if (example.starts_with("ecr:")) return {};
  if (!Reference::names_registry(example)) return wrong("it begins with no registry");
  const auto reference = Reference::parse(example);
  if (!reference) return wrong(reference.error().message);
  if (!reference->tag.empty() || reference->digest)
    return wrong("a mirror keeps the tags of its source, so that there is none to write");
  return {};
}

}  // namespace davit::config
