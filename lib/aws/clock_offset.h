#pragma once

#include <chrono>
#include <utility>

#include "base/mutex.h"

namespace davit::aws {

/// How far AWS's clock is ahead of this machine's, as AWS's answers have told. One for all who talk to AWS.
/// Thread-safe.
class ClockOffset {
 public:
  /// Zero while nobody knows.
  [[nodiscard]] std::chrono::seconds get() const {
    MutexLock lock(mutex_);
    return offset_;
  }

  /// Whether AWS has shown its time yet.
  [[nodiscard]] bool is_known() const {
    MutexLock lock(mutex_);
    return known_;
  }

  /// What get() says is right.
  void confirm() {
    MutexLock lock(mutex_);
    known_ = true;
  }

  /// True for the first that says so.
  bool correct(std::chrono::seconds difference) {
    MutexLock lock(mutex_);
    offset_ = difference;
    known_ = true;
    return !std::exchange(corrected_, true);
  }

 private:
  mutable Mutex mutex_;
  std::chrono::seconds offset_ DAVIT_GUARDED_BY(mutex_){0};
  bool known_ DAVIT_GUARDED_BY(mutex_) = false;
  bool corrected_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::aws
