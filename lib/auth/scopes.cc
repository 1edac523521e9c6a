#include "auth/scopes.h"

#include <algorithm>

namespace davit::auth {
namespace {

constexpr std::size_t kMost = 4;
constexpr std::size_t kLongestScope = 512;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// Same resource, and no action that `own` lacks.
bool includes(std::string_view own, std::string_view wanted) {
  const std::size_t own_colon = own.rfind(':');
  const std::size_t colon = wanted.rfind(':');
  if (own_colon == std::string_view::npos || colon == std::string_view::npos) return own == wanted;
  if (own.substr(0, own_colon) != wanted.substr(0, colon)) return false;
  const auto has = split(own.substr(own_colon + 1), ',');
  const auto wants = split(wanted.substr(colon + 1), ',');
  return std::ranges::all_of(
      wants, [&](std::string_view action) { return std::ranges::find(has, action) != has.end(); });
}

}  // namespace

std::vector<std::string> scopes_of(const Scope& scope) {
  std::vector<std::string> scopes;
  if (scope.repository.empty()) return scopes;
  scopes.push_back("repository:" + scope.repository + (scope.push ? ":pull,push" : ":pull"));
  if (!scope.mount_from.empty() && scope.mount_from != scope.repository)
    scopes.push_back("repository:" + scope.mount_from + ":pull");
  return scopes;
}

std::vector<std::string> further_scopes(std::string_view challenge_scope,
                                        const std::vector<std::string>& own) {
  std::vector<std::string> further;
  for (const std::string_view wanted : split(challenge_scope, ' ')) {
    const bool known =
        std::ranges::any_of(own, [&](const std::string& one) { return includes(one, wanted); });
    const bool clean = std::ranges::all_of(wanted, [](char c) { return c > ' ' && c < 0x7f; });
    if (!known && clean && wanted.size() <= kLongestScope && further.size() < kMost)
      further.emplace_back(wanted);
  }
  return further;
}

}  // namespace davit::auth
