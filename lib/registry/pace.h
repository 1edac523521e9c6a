#pragma once

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/clock.h"
#include "base/mutex.h"

namespace davit::registry {

/// Holds requests of one kind to a rate: a bucket that fills with it up to a burst. It adapts, because the
/// limit is shared with others: a refusal halves the rate, each success brings it a step back. Thread-safe.
/// REQUIRES: the clock outlives it.
class Pace {
 public:
  /// No limit when `per_second` is 0.
  Pace(double per_second, double burst, Clock& clock);

  /// Waits until one more may go. Errors: cancelled, timeout.
  Result<> wait(const CallContext& context);
  /// The server said that this was too fast. Many say so at once; that counts as one.
  void throttled();
  void succeeded();

 private:
  void fill() DAVIT_REQUIRES(mutex_);

  const double highest_;
  const double burst_;
  Clock& clock_;
  Mutex mutex_;
  double rate_ DAVIT_GUARDED_BY(mutex_);
  double tokens_ DAVIT_GUARDED_BY(mutex_);
  Clock::Steady filled_ DAVIT_GUARDED_BY(mutex_);
  Clock::Steady slowed_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::registry
