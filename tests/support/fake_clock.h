#pragma once

#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/mutex.h"

namespace davit::test {

/// A clock that stands still until it is moved. Sleeping moves it at once and is remembered, so code that
/// backs off for a minute runs in no time. Thread-safe.
class FakeClock : public Clock {
 public:
  [[nodiscard]] Steady steady() const override {
    MutexLock lock(mutex_);
    return steady_;
  }
  [[nodiscard]] Wall wall() const override {
    MutexLock lock(mutex_);
    return wall_;
  }
  double random() override {
    MutexLock lock(mutex_);
    return random_;
  }
  Result<> sleep_for(std::chrono::milliseconds duration, const CallContext& context) override {
    if (auto live = check(context); !live) return live;
    MutexLock lock(mutex_);
    sleeps_.push_back(duration);
    steady_ += duration;
    wall_ += duration;
    return {};
  }

  void advance(std::chrono::milliseconds duration) {
    MutexLock lock(mutex_);
    steady_ += duration;
    wall_ += duration;
  }
  void set_wall(Wall wall) {
    MutexLock lock(mutex_);
    wall_ = wall;
  }
  /// What random() gives from now on; in [0, 1).
  void set_random(double value) {
    MutexLock lock(mutex_);
    random_ = value;
  }
  [[nodiscard]] std::vector<std::chrono::milliseconds> sleeps() const {
    MutexLock lock(mutex_);
    return sleeps_;
  }

 private:
  mutable Mutex mutex_;
  // Not the epoch: code that treats a zero time point as "never" must not be helped. The real steady clock is
  // kept as the start, because deadlines in a CallContext are on it.
  Steady steady_ DAVIT_GUARDED_BY(mutex_) = std::chrono::steady_clock::now();
  Wall wall_ DAVIT_GUARDED_BY(mutex_) = std::chrono::system_clock::time_point(std::chrono::hours(24 * 365 *
                                                                                                 55));
  double random_ DAVIT_GUARDED_BY(mutex_) = 0.5;
  std::vector<std::chrono::milliseconds> sleeps_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::test
