#include "model/tag_choice.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <davit/reference.h>

#include "base/try.h"
#include "model/patterns.h"
#include "model/semver.h"

namespace davit::model {

struct NameFilter::Parts {
  Patterns include;
  Patterns exclude;
  std::optional<VersionRange> range;
  bool partial_versions = false;
};

Result<NameFilter> NameFilter::make(const TagChoice& choice) {
  auto parts = std::make_shared<Parts>();
  DAVIT_TRY(parts->include, Patterns::compile(choice.include));
  DAVIT_TRY(parts->exclude, Patterns::compile(choice.exclude));
  if (!choice.semver.empty()) {
    DAVIT_TRY(parts->range, VersionRange::parse(choice.semver));
  }
  parts->partial_versions = choice.partial_versions;
  return NameFilter(std::move(parts));
}

bool NameFilter::takes(const std::string& name) const {
  if (!parts_->include.empty() && !parts_->include.match(name)) return false;
  if (parts_->exclude.match(name)) return false;
  if (!parts_->range) return true;
  const auto version = parts_->partial_versions ? Version::parse_short(name) : Version::parse(name);
  return version && parts_->range->contains(*version);
}

bool is_older(const std::string& tag, const std::string& than) {
  const auto x = TagVersion::parse(tag);
  const auto y = TagVersion::parse(than);
  if (x.has_value() != y.has_value()) return y.has_value();
  if (x && *x != *y) return *x < *y;
  if (version_less(tag, than)) return true;
  return !version_less(than, tag) && tag < than;
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

}  // namespace davit::model
