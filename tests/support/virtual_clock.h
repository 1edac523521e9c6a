#pragma once

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/context.h"
#include "base/mutex.h"

namespace davit::test {

/// A clock for several workers at once: time stands still while any of them works, and when all of them sleep
/// it jumps to where the first one wakes. What takes a minute for them takes as long as their work.
/// Thread-safe.
class VirtualClock final : public Clock {
 public:
  /// So many threads are going to sleep by it; each says leave() when it has ended. Before and after that,
  /// sleeping takes no time.
  void enter(std::size_t workers) {
    MutexLock lock(mutex_);
    workers_ += workers;
  }
  void leave() {
    MutexLock lock(mutex_);
    --workers_;
    go_on();
  }

  [[nodiscard]] Steady steady() const override {
    MutexLock lock(mutex_);
    return begun_ + passed_;
  }
  [[nodiscard]] Wall wall() const override {
    MutexLock lock(mutex_);
    return kBegun + passed_;
  }
  [[nodiscard]] std::chrono::milliseconds passed() const {
    MutexLock lock(mutex_);
    return passed_;
  }
  double random() override { return 0.5; }

  Result<> sleep_for(std::chrono::milliseconds duration, const CallContext& context) override {
    if (auto live = check(context); !live) return live;
    MutexLock lock(mutex_);
    const auto until = passed_ + duration;
    if (until > passed_) sleepers_.insert(until);
    go_on();
    while (passed_ < until) changed_.wait(mutex_);
    return {};
  }

 private:
  static constexpr Wall kBegun{std::chrono::hours(24 * 365 * 55)};

  void go_on() DAVIT_REQUIRES(mutex_) {
    if (sleepers_.empty() || sleepers_.size() < workers_) return;
    passed_ = *sleepers_.begin();
    sleepers_.erase(sleepers_.begin(), sleepers_.upper_bound(passed_));
    changed_.notify_all();
  }

  const Steady begun_ = std::chrono::steady_clock::now();
  mutable Mutex mutex_;
  CondVar changed_;
  std::size_t workers_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::chrono::milliseconds passed_ DAVIT_GUARDED_BY(mutex_){0};
  std::multiset<std::chrono::milliseconds> sleepers_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::test
