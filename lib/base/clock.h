#pragma once

#include <chrono>

#include <davit/call_context.h>
#include <davit/result.h>

namespace davit {

/// Time, randomness and sleeping, so that tests can supply their own. Thread-safe.
class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Wall = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;
  virtual Steady steady() const = 0;
  virtual Wall wall() const = 0;
  /// Uniform in [0, 1).
  virtual double random() = 0;
  /// Errors: cancelled or timeout when `context` ends first.
  virtual Result<> sleep_for(std::chrono::milliseconds duration, const CallContext& context) = 0;

  /// The machine's own clock. Stateless, so one serves everybody.
  static Clock& system();
};

}  // namespace davit
