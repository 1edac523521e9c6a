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

}  // namespace

struct NameFilter::Parts {
  Patterns include;
  Patterns exclude;
  std::optional<model::VersionRange> range;
  bool partial_versions = false;
};

Result<NameFilter> NameFilter::make(const TagChoice& choice) {
  auto parts = std::make_shared<Parts>();
  DAVIT_TRY(parts->include, compile(choice.include));
  DAVIT_TRY(parts->exclude, compile(choice.exclude));
  if (!choice.semver.empty()) {
    DAVIT_TRY(parts->range, model::VersionRange::parse(choice.semver));
  }
  parts->partial_versions = choice.partial_versions;
  return NameFilter(std::move(parts));
}

bool NameFilter::takes(const std::string& name) const {
  if (!parts_->include.empty() && !matches(parts_->include, name)) return false;
  if (matches(parts_->exclude, name)) return false;
  if (!parts_->range) return true;
  const auto version =
      parts_->partial_versions ? model::Version::parse_short(name) : model::Version::parse(name);
  return version && parts_->range->contains(*version);
}

bool is_older(const std::string& tag, const std::string& than) {
  const auto x = model::Version::parse(tag);
  const auto y = model::Version::parse(than);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return y.has_value();
  return model::version_less(tag, than);
}

Result<std::vector<std::string>> choose_tags(std::vector<std::string> tags, const TagChoice& choice) {
  DAVIT_TRY(const NameFilter filter, NameFilter::make(choice));
  // A registry may say anything.
  std::erase_if(tags, [&](const std::string& tag) { return !Reference::is_tag(tag) || !filter.takes(tag); });
  std::ranges::sort(tags, is_older);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  if (choice.latest && tags.size() > *choice.latest)
    tags.erase(tags.begin(), tags.end() - static_cast<std::ptrdiff_t>(*choice.latest));
  return tags;
}

}  // namespace davit::client
