#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/clock.h"
#include "base/mutex.h"

namespace davit::registry {

/// Holds requests of one kind to a rate: a bucket that fills with it, up to a quarter of a second's worth. A
/// quarter, because the other end's bucket may be smaller than a second's worth, and requests that left one
/// after the other may arrive together.
///
/// It adapts, because limits are shared with others and not all are known: a refusal halves what was really
/// sent in a second, and time without one brings it back, up to the known rate, or to none at all.
/// Thread-safe. REQUIRES: the clock outlives it.
class Pace {
 public:
  /// Without a rate when `per_second` is 0, until something is refused.
  Pace(double per_second, Clock& clock);

  /// Waits until one more may go. Errors: cancelled, timeout.
  Result<> wait(const CallContext& context);
  /// One goes that cannot wait; the next ones do so for it.
  void spend();
  /// The server said that this was too fast about a request that left at `sent`, and that nobody should ask
  /// again for `hold`. What had left before the last slowing down says nothing new.
  void refused(Clock::Steady sent, std::chrono::milliseconds hold);
  void succeeded();

 private:
  void fill() DAVIT_REQUIRES(mutex_);
  void count(Clock::Steady now) DAVIT_REQUIRES(mutex_);
  [[nodiscard]] double recent() const DAVIT_REQUIRES(mutex_);
  [[nodiscard]] double burst() const DAVIT_REQUIRES(mutex_);

  const double known_;
  Clock& clock_;
  Mutex mutex_;
  double rate_ DAVIT_GUARDED_BY(mutex_);  // 0: none
  double tokens_ DAVIT_GUARDED_BY(mutex_);
  double ceiling_ DAVIT_GUARDED_BY(mutex_) = 0;  // what was too fast
  Clock::Steady filled_ DAVIT_GUARDED_BY(mutex_);
  Clock::Steady slowed_ DAVIT_GUARDED_BY(mutex_);
  Clock::Steady grown_ DAVIT_GUARDED_BY(mutex_);
  std::uint64_t slowdowns_ DAVIT_GUARDED_BY(mutex_) = 0;
  bool slow_ DAVIT_GUARDED_BY(mutex_) = false;  // not at the known rate again
  // How many went in the second that has begun, and in the one before it.
  Clock::Steady second_ DAVIT_GUARDED_BY(mutex_);
  std::array<std::uint64_t, 2> went_ DAVIT_GUARDED_BY(mutex_) = {};
};

}  // namespace davit::registry
