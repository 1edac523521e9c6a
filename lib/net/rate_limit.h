#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace davit::net {

/// Shares one direction's bytes per second among all exchanges: each pays for what it moved by waiting.
/// Thread-safe.
class RateLimit {
 public:
  /// 0 means no limit. REQUIRES: the clock outlives this.
  explicit RateLimit(std::uint64_t bytes_per_second, const Clock& clock = Clock::system())
      : rate_(bytes_per_second), clock_(clock) {}

  /// Books `bytes` as moved now; the caller is to rest this long before it moves more.
  std::chrono::milliseconds owed(std::uint64_t bytes);

 private:
  const std::uint64_t rate_;
  const Clock& clock_;
  Mutex mutex_;
  std::chrono::steady_clock::time_point paid_until_ DAVIT_GUARDED_BY(mutex_) = {};
};

}  // namespace davit::net
