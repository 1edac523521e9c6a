#include "registry/pace.h"

#include <algorithm>
#include <cmath>

#include "base/try.h"

namespace davit::registry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kLowest = 0.5;            // a second
constexpr double kLeastGrowth = 1;         // a second, each second
constexpr double kGrowth = 1.0 / 20;       // of what was too fast, each second
constexpr double kForgotten = 2;           // an unknown limit, when it was passed by so much
constexpr double kBurst = 0.25;            // seconds
constexpr milliseconds kLeastHold{1'000};  // trying again sooner only spends more of what is short

double in_seconds(Clock::Steady::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

Pace::Pace(double per_second, Clock& clock)
    : known_(per_second),
      clock_(clock),
      rate_(per_second),
      tokens_(std::max(1.0, per_second * kBurst)),
      filled_(clock.steady()),
      slowed_(filled_ - std::chrono::hours(1)),
      grown_(filled_),
      second_(filled_) {}

double Pace::burst() const {
  return std::max(1.0, rate_ * kBurst);
}

void Pace::fill() {
  const Clock::Steady now = clock_.steady();
  tokens_ = std::min(burst(), tokens_ + rate_ * in_seconds(now - filled_));
  filled_ = now;
}

void Pace::count(Clock::Steady now) {
  if (now - second_ >= seconds(1)) {
    went_ = {0, now - second_ >= seconds(2) ? 0 : went_[0]};
    second_ = now;
  }
  ++went_[0];
}

double Pace::recent() const {
  return static_cast<double>(std::max(went_[0], went_[1]));
}

Result<> Pace::wait(const CallContext& context) {
  while (true) {
    milliseconds rest{0};
    std::uint64_t slowdowns = 0;
    {
      // Everybody takes a place in the queue at once; the bucket may be in debt.
      MutexLock lock(mutex_);
      fill();
      if (rate_ > 0) tokens_ -= 1;
      if (rate_ > 0 && tokens_ < 0) {
        rest = milliseconds(std::llround(std::ceil(-tokens_ / rate_ * 1000)));
      } else {
        count(filled_);
        return {};
      }
      slowdowns = slowdowns_;
    }
    DAVIT_TRY_VOID(clock_.sleep_for(rest, context));
    MutexLock lock(mutex_);
    if (slowdowns_ != slowdowns) continue;  // the place was in a faster queue: take another
    count(clock_.steady());
    return {};
  }
}

void Pace::spend() {
  MutexLock lock(mutex_);
  fill();
  if (rate_ > 0) tokens_ -= 1;
  count(filled_);
}

void Pace::refused(Clock::Steady sent, milliseconds hold) {
  MutexLock lock(mutex_);
  fill();
  if (sent <= slowed_) return;
  slow_ = true;
  slowed_ = grown_ = filled_;
  ++slowdowns_;
  ceiling_ = known_ > 0 ? known_ : std::max(kLowest, recent());
  rate_ = std::max(kLowest, (rate_ > 0 ? std::min(rate_, recent()) : recent()) / 2);
  tokens_ = 1 - rate_ * in_seconds(std::max(hold, kLeastHold));  // the first one goes when that is over
}

void Pace::succeeded() {
  MutexLock lock(mutex_);
  if (!slow_) return;
  fill();
  const double growth = std::max(kLeastGrowth, ceiling_ * kGrowth);
  rate_ += growth * std::min(1.0, in_seconds(filled_ - grown_));
  grown_ = filled_;
  const double most = known_ > 0 ? known_ : ceiling_ * kForgotten;
  if (rate_ < most) return;
  slow_ = false;
  rate_ = known_;
}

}  // namespace davit::registry
