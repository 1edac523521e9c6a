#include "client/tag_choice.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <re2/re2.h>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "model/semver.h"

namespace davit::client {
namespace {

using Patterns = std::vector<std::unique_ptr<re2::RE2>>;

Result<Patterns> compile(const std::vector<std::string>& texts) {
  Patterns out;
  for (const std::string& text : texts) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    auto& pattern = out.emplace_back(std::make_unique<re2::RE2>(text, options));
    if (!pattern->ok())
      return make_error(Errc::invalid_argument,
                        "\"" + escaped(text, 120) + "\" is no pattern: " + escaped(pattern->error(), 120),
                        "patterns are RE2 and match a whole tag: 1\\.[0-9]+");
  }
  return out;
}

bool matches(const Patterns& patterns, const std::string& tag) {
  return std::ranges::any_of(patterns,
                             [&](const auto& pattern) { return re2::RE2::FullMatch(tag, *pattern); });
}

/// Versions by their precedence, everything else by how it is written, before them.
bool older(const std::string& a, const std::string& b) {
  const auto x = model::Version::parse(a);
  const auto y = model::Version::parse(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return y.has_value();
  return model::version_less(a, b);
}

}  // namespace

Result<std::vector<std::string>> choose_tags(std::vector<std::string> tags, const TagChoice& choice) {
  DAVIT_TRY(const Patterns include, compile(choice.include));
  DAVIT_TRY(const Patterns exclude, compile(choice.exclude));
  std::optional<model::VersionRange> range;
  if (!choice.semver.empty()) {
    DAVIT_TRY(range, model::VersionRange::parse(choice.semver));
  }
  std::erase_if(tags, [&](const std::string& tag) {
    if (!Reference::is_tag(tag)) return true;  // a registry may say anything
    if (!include.empty() && !matches(include, tag)) return true;
    if (matches(exclude, tag)) return true;
    if (!range) return false;
    const auto version = model::Version::parse(tag);
    return !version || !range->contains(*version);
  });
  std::ranges::sort(tags, older);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  if (choice.latest && tags.size() > *choice.latest)
    tags.erase(tags.begin(), tags.end() - static_cast<std::ptrdiff_t>(*choice.latest));
  return tags;
}

}  // namespace davit::client
