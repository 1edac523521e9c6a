#include "net/rate_limit.h"

#include <algorithm>

namespace davit::net {

std::chrono::milliseconds RateLimit::owed(std::uint64_t bytes) {
  if (rate_ == 0 || bytes == 0) return {};
  const auto now = clock_.steady();
  const std::chrono::duration<double> price(static_cast<double>(bytes) / static_cast<double>(rate_));
  MutexLock lock(mutex_);
  paid_until_ = std::max(paid_until_, now) + std::chrono::duration_cast<std::chrono::nanoseconds>(price);
  return std::chrono::duration_cast<std::chrono::milliseconds>(paid_until_ - now);
}

}  // namespace davit::net
