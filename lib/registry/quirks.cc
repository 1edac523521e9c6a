#include "registry/quirks.h"

#include <array>

namespace davit::registry {
namespace {

constexpr Quirks kDistribution{};

/// A host, or everything below it, and what is known about it. Rows come with their evidence in
/// docs/registry-quirks.md. What can be tolerated from every registry needs no row.
struct Row {
  std::string_view host;
  Quirks quirks;
};
constexpr std::array kRows = {
    Row{"amazonaws.com", {.name = "ECR", .cancels_uploads = false}},
    Row{"amazonaws.com.cn", {.name = "ECR", .cancels_uploads = false}},
    Row{"public.ecr.aws", {.name = "ECR Public", .cancels_uploads = false}},
};

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
