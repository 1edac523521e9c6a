#include "registry/pace.h"

#include <algorithm>
#include <cmath>

#include "base/try.h"

namespace davit::registry {
namespace {

constexpr double kLowest = 0.5;  // a second
constexpr double kStep = 0.25;   // a second, for each success
constexpr std::chrono::milliseconds kOneRefusal{100};

}  // namespace

Pace::Pace(double per_second, double burst, Clock& clock)
    : highest_(per_second),
      burst_(burst),
      clock_(clock),
      rate_(per_second),
      tokens_(burst),
      filled_(clock.steady()),
      slowed_(filled_ - std::chrono::hours(1)) {}

void Pace::fill() {
  const Clock::Steady now = clock_.steady();
  tokens_ = std::min(burst_, tokens_ + rate_ * std::chrono::duration<double>(now - filled_).count());
  filled_ = now;
}

Result<> Pace::wait(const CallContext& context) {
  if (highest_ <= 0) return {};
  std::chrono::milliseconds rest{0};
  {
    // Everybody takes a place in the queue at once; the bucket may be in debt.
    MutexLock lock(mutex_);
    fill();
    tokens_ -= 1;
    if (tokens_ < 0) rest = std::chrono::milliseconds(std::llround(std::ceil(-tokens_ / rate_ * 1000)));
  }
  if (rest.count() == 0) return {};
  return clock_.sleep_for(rest, context);
}

void Pace::throttled() {
  if (highest_ <= 0) return;
  MutexLock lock(mutex_);
  fill();
  const Clock::Steady now = clock_.steady();
  if (now - slowed_ < kOneRefusal) return;
  slowed_ = now;
  rate_ = std::max(kLowest, rate_ / 2);
  tokens_ = std::min(tokens_, -rate_);  // nobody for a second
}

void Pace::succeeded() {
  if (highest_ <= 0) return;
  MutexLock lock(mutex_);
  fill();
  rate_ = std::min(highest_, rate_ + kStep);
}

}  // namespace davit::registry
