#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/http.h"

namespace davit::registry {

/// What a failed try was like.
enum class Trouble { transient, throttled };

/// Whether an answer with this status is worth another try.
std::optional<Trouble> trouble_of(int status);

/// One host's allowance for retries, so that a dead registry fails fast. Thread-safe.
class RetryBudget {
 public:
  /// False when there is not enough left; nothing is taken then.
  bool take(Trouble trouble);
  /// A request succeeded; what its tries took comes back, and a little more.
  void refill(int taken);

  static int price(Trouble trouble) { return trouble == Trouble::throttled ? 5 : 14; }

 private:
  static constexpr int kFull = 500;
  Mutex mutex_;
  int tokens_ DAVIT_GUARDED_BY(mutex_) = kFull;
};

struct RetryRules {
  int most_tries = 5;
  std::chrono::milliseconds transient_base{100};
  std::chrono::milliseconds throttled_base{1'000};
  std::chrono::milliseconds longest_wait{20'000};
  std::chrono::milliseconds longest_retry_after{60'000};
};

/// How often a registry may still say "not there" about what was just written (row 69).
inline constexpr int kMostPatience = 5;

/// The tries of one request: the only place that decides about another one. One thread at a time.
class Tries {
 public:
  Tries(const RetryRules& rules, RetryBudget& budget, Clock& clock)
      : rules_(rules), budget_(budget), clock_(clock) {}

  /// After a failed try. Waits and says true, or says false at once when it was the last. `retry_after` is
  /// what the server asked for; a longer wait than davit is ready for also ends the tries. Errors: cancelled,
  /// timeout.
  Result<bool> again(Trouble trouble, std::optional<std::chrono::seconds> retry_after,
                     const CallContext& context);
  void succeeded();
  /// Real progress was made: the count starts anew.
  void restart() { failed_ = 0; }

  /// How many have been started.
  [[nodiscard]] int count() const { return total_ + 1; }

 private:
  const RetryRules& rules_;
  RetryBudget& budget_;
  Clock& clock_;
  int failed_ = 0;
  int total_ = 0;
  int taken_ = 0;
};

}  // namespace davit::registry
