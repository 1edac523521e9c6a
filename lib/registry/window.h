#pragma once

#include <chrono>
#include <cstddef>

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/clock.h"
#include "base/mutex.h"

namespace davit::registry {

/// How many requests of one kind may wait for their answers at once. It is wide open at first. A refusal
/// halves it, down to one; answers that take much longer than they did take a quarter away, though not below
/// four, for what is far away or slow by nature is no faster when less is asked of it. Each round of good
/// answers lets one more in. Thread-safe.
///
/// Whoever is inside waits for nothing but the network, so that nobody waits for himself.
class Window {
 public:
  static constexpr std::size_t kWidest = 256;

  explicit Window(std::size_t widest = kWidest)
      : widest_(static_cast<double>(widest)), size_(static_cast<double>(widest)) {}

  /// Waits for a place. Errors: cancelled, timeout.
  Result<> enter(const CallContext& context);
  void leave();

  /// An answer that is no refusal; `first_byte` is how long it took, 0 when that says nothing.
  void answered(std::chrono::nanoseconds first_byte);
  /// As Pace::refused().
  void refused(Clock::Steady sent, Clock::Steady now);

  [[nodiscard]] std::size_t size() const;

 private:
  bool try_enter() DAVIT_REQUIRES(mutex_);
  /// To this part of what was really used, though not below `least`.
  void narrow(double part, double least) DAVIT_REQUIRES(mutex_);
  [[nodiscard]] bool has_become_slow(std::chrono::nanoseconds first_byte) DAVIT_REQUIRES(mutex_);

  const double widest_;
  mutable Mutex mutex_;
  CondVar changed_;
  double size_ DAVIT_GUARDED_BY(mutex_);
  std::size_t inside_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::size_t busiest_ DAVIT_GUARDED_BY(mutex_) = 0;  // the most inside since it last became narrower
  std::size_t slow_answers_ DAVIT_GUARDED_BY(mutex_) = 0;
  double usual_ DAVIT_GUARDED_BY(mutex_) = 0;   // seconds to the first byte at the best of times
  double recent_ DAVIT_GUARDED_BY(mutex_) = 0;  // of late
  Clock::Steady narrowed_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::registry
