#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace davit {

/// How much a registry may be asked at most. Rates are requests in a second; 0 leaves it to davit, which
/// knows Amazon's quotas and nothing of others. A rate that is given counts instead of what davit knows.
struct RequestLimits {
  double requests = 0;  ///< of all kinds together
  double check_blob = 0;
  double read_blob = 0;
  double read_manifest = 0;
  double begin_upload = 0;
  double finish_upload = 0;
  double put_manifest = 0;
  /// Requests that wait for their answers at the same time; 0: no limit. Bytes of blobs that are on their way
  /// do not count: `ClientOptions::jobs` limits those.
  std::size_t concurrency = 0;
};

/// What a registry that counts pulls said last, as Docker Hub does.
struct PullQuota {
  std::string registry;
  std::uint64_t left = 0;
  std::uint64_t limit = 0;         ///< 0: it did not say
  std::chrono::seconds window{0};  ///< in which so many can be made; 0: it did not say
};

}  // namespace davit
