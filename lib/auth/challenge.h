#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::auth {

/// One challenge of a WWW-Authenticate field (RFC 9110, section 11.6.1).
struct Challenge {
  std::string scheme;   ///< lower case: "bearer", "basic"
  std::string token68;  ///< the other form, which no registry uses
  std::map<std::string, std::string>
      parameters;  ///< names in lower case; the first of two equal names counts

  /// Empty when absent.
  [[nodiscard]] std::string_view get(const std::string& name) const;
};

/// Every well-formed challenge of these field values, in order. What cannot be read is skipped up to the next
/// challenge; never more than 64 challenges, and nothing from values longer than 16 KiB.
std::vector<Challenge> parse_challenges(const std::vector<std::string>& values);

/// The one to answer: Bearer with a realm, else Basic, else none.
std::optional<Challenge> choose_challenge(const std::vector<Challenge>& challenges);

}  // namespace davit::auth
