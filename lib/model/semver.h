#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

namespace davit::model {

/// A version as Semantic Versioning 2.0.0 writes it, all three numbers given. Build metadata is dropped.
struct Version {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::vector<std::string> prerelease = {};  ///< its dot-separated parts

  /// Empty for anything else. A leading `v` is ignored.
  static std::optional<Version> parse(std::string_view text);
  /// As parse(), and with one or two numbers: 1.2 is 1.2.0. Zeros in front of a number are passed over.
  static std::optional<Version> parse_short(std::string_view text);
  /// Precedence (section 11).
  friend std::strong_ordering operator<=>(const Version& a, const Version& b);
  friend bool operator==(const Version&, const Version&) = default;
};

/// A range as npm writes it: comparators (`>=1.2.3 <2`), `~1.2`, `^1.2.3`, `1.x`, `1.2 - 1.4`, joined by
/// `||`. A prerelease is in a range only where a comparator names a prerelease of the same three numbers.
class VersionRange {
 public:
  /// Errors: invalid_argument.
  static Result<VersionRange> parse(std::string_view text);
  [[nodiscard]] bool contains(const Version& version) const;

 private:
  enum class Relation { less, at_most, equal, at_least, greater };
  struct Comparator {
    Relation relation;
    Version version;
  };
  class Parser;
  std::vector<std::vector<Comparator>> alternatives_;
};

/// A tag that reads as a version: numbers with dots between, `v` in front or not, `-` and a prerelease behind
/// or not. A view into the tag.
struct TagVersion {
  std::string_view numbers;     ///< "7.2.4"
  std::string_view prerelease;  ///< empty: a release

  /// Empty for anything else.
  static std::optional<TagVersion> parse(std::string_view tag);
  /// Number by number, where one that is missing is less than any; prereleases by their precedence, before
  /// their release. Zeros in front of a number are passed over.
  friend std::weak_ordering operator<=>(const TagVersion& a, const TagVersion& b);
  friend bool operator==(const TagVersion& a, const TagVersion& b) { return (a <=> b) == 0; }
};

/// The order of tags that need not be versions: runs of digits compare as numbers, everything else byte by
/// byte.
bool version_less(std::string_view a, std::string_view b);

}  // namespace davit::model
