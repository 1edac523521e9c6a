#pragma once

#include <array>
#include <cstddef>

namespace davit::registry {

/// What a request asks of a registry, as registries count requests.
enum class Action {
  check_blob,
  read_blob,
  read_store,  ///< a blob where the registry has said that it is
  read_manifest,
  begin_upload,
  send_part,  ///< each kPartBytes of a blob's bytes
  finish_upload,
  put_manifest,
  other  ///< lists, deletions: what nobody is known to count
};
inline constexpr std::size_t kActions = 9;

/// ECR counts the bytes of uploads in parts of this size.
inline constexpr std::size_t kPartBytes = 10u << 20;

/// A number for each action: requests in a second; 0 where nothing is known.
struct Rates {
  std::array<double, kActions> per_second = {};

  constexpr double& operator[](Action action) { return per_second[static_cast<std::size_t>(action)]; }
  constexpr double operator[](Action action) const { return per_second[static_cast<std::size_t>(action)]; }
};

}  // namespace davit::registry
