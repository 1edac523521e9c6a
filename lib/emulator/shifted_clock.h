#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace davit::emulator {

/// Another clock, moved ahead by hand, so that twelve hours need not be waited for. Thread-safe.
class ShiftedClock {
 public:
  using Time = Clock::Wall;

  explicit ShiftedClock(const Clock& base) : base_(base) {}

  [[nodiscard]] Time now() const { return base_.wall() + std::chrono::milliseconds(ahead_.load()); }
  void advance(std::chrono::milliseconds by) { ahead_ += by.count(); }

 private:
  const Clock& base_;
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace davit::emulator
