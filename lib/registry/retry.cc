#include "registry/retry.h"

#include <algorithm>

#include "base/try.h"

namespace davit::registry {

std::optional<Trouble> trouble_of(int status) {
  switch (status) {
    case 429:
      return Trouble::throttled;
    case 408:
    case 499:
    case 500:
    case 502:
    case 503:
    case 504:
    case 522:
      return Trouble::transient;
    default:
      return {};
  }
}

bool RetryBudget::take(Trouble trouble) {
  MutexLock lock(mutex_);
  if (tokens_ < price(trouble)) return false;
  tokens_ -= price(trouble);
  return true;
}

void RetryBudget::refill(int taken) {
  MutexLock lock(mutex_);
  tokens_ = std::min(kFull, tokens_ + std::max(taken, 1));
}

Result<bool> Tries::again(Trouble trouble, std::optional<std::chrono::seconds> retry_after,
                          const CallContext& context) {
  using std::chrono::milliseconds;
  if (++failed_ >= rules_.most_tries) return false;
  if (retry_after && *retry_after > rules_.longest_retry_after) return false;
  if (!budget_.take(trouble)) return false;
  taken_ += RetryBudget::price(trouble);
  milliseconds wait = trouble == Trouble::throttled ? rules_.throttled_base : rules_.transient_base;
  for (int i = 1; i < failed_ && wait < rules_.longest_wait; ++i) wait *= 2;
  wait = std::min(wait, rules_.longest_wait);
  wait = milliseconds(static_cast<std::int64_t>(clock_.random() * static_cast<double>(wait.count())));
  if (retry_after) wait = std::max<milliseconds>(wait, *retry_after);
  DAVIT_TRY_VOID(clock_.sleep_for(wait, context));
  ++total_;
  return true;
}

void Tries::succeeded() {
  budget_.refill(taken_);
}

}  // namespace davit::registry
