#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <davit/transfer.h>

namespace davit::model {

/// The part of a choice that needs no other names: patterns and a range. Immutable; thread-safe.
class NameFilter {
 public:
  /// Errors: invalid_argument for a pattern or a range that is none.
  static Result<NameFilter> make(const TagChoice& choice);
  [[nodiscard]] bool takes(const std::string& name) const;

 private:
  struct Parts;
  explicit NameFilter(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;  // co-owned by copies
};

/// What reads as a version (TagVersion) by that, everything else by its name, before all versions.
bool is_older(const std::string& tag, const std::string& than);

/// The tags that a choice means, in version order, oldest first. Errors: invalid_argument for a pattern or a
/// range that is none.
Result<std::vector<std::string>> choose_tags(std::vector<std::string> tags, const TagChoice& choice);

}  // namespace davit::model
