#include "registry/quirks.h"

#include <array>

namespace davit::registry {
namespace {

constexpr Quirks kDistribution{};

/// A host, or everything below it, and what is known about it. Rows come with their evidence in
/// docs/registry-quirks.md. So far what registries do differently is tolerated from all of them.
struct Row {
  std::string_view host;
  Quirks quirks;
};
constexpr std::array<Row, 0> kRows = {};

}  // namespace

const Quirks& quirks_for(std::string_view host) {
  const std::string_view name = host.substr(0, host.find(':'));
  for (const Row& row : kRows) {
    const bool whole = name == row.host;
    const bool below = name.size() > row.host.size() && name.ends_with(row.host) &&
                       name[name.size() - row.host.size() - 1] == '.';
    if (whole || below) return row.quirks;
  }
  return kDistribution;
}

}  // namespace davit::registry
