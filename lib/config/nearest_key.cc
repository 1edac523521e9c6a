#include "config/nearest_key.h"

#include <algorithm>

#include "base/ascii.h"

namespace davit::config {
namespace {

constexpr std::size_t kLongestKey = 64;

/// Letters to add, leave out or replace.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({row[k] + 1, row[k - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

/// Without what people write differently: "createRepositories", "create-repositories".
std::string plain(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '_' || c == '-') continue;
    out += lower_case(c);
  }
  return out;
}

}  // namespace

std::string nearest_key(std::string_view key, const std::vector<std::string>& known) {
  if (key.empty() || key.size() > kLongestKey) return {};
  const std::string wanted = plain(key);
  std::string best;
  std::size_t fewest = wanted.size() < 5 ? 2 : 3;  // first number that is too many
  for (const std::string& each : known) {
    const std::size_t slips = distance(wanted, plain(each));
    if (slips >= fewest) continue;
    fewest = slips;
    best = each;
  }
  return best;
}

}  // namespace davit::config
