#include "registry/window.h"

#include <algorithm>
#include <stop_token>

#include "base/context.h"
#include "base/try.h"

namespace davit::registry {
namespace {

constexpr double kSlower = 4;            // as usual is slow,
constexpr double kNoticeable = 0.5;      // but nothing below so many seconds: jitter, handshakes, loopback
constexpr double kLeastForSlow = 4;      // slowness alone leaves so many
constexpr double kNewUsual = 1.0 / 512;  // how fast what is slow becomes what is usual
constexpr double kNewRecent = 1.0 / 8;

}  // namespace

bool Window::try_enter() {
  if (static_cast<double>(inside_ + 1) > size_) return false;
  ++inside_;
  busiest_ = std::max(busiest_, inside_);
  return true;
}

Result<> Window::enter(const CallContext& context) {
  {
    MutexLock lock(mutex_);
    if (try_enter()) return {};
  }
  const std::stop_callback wake(context.stop, [this] {
    MutexLock lock(mutex_);
    changed_.notify_all();
  });
  MutexLock lock(mutex_);
  ++waiting_;
  Result<> live;
  while ((live = check(context)) && !try_enter()) {
    if (context.deadline) {
      changed_.wait_until(mutex_, *context.deadline);
    } else {
      changed_.wait(mutex_);
    }
  }
  --waiting_;
  return live;
}

void Window::leave() {
  MutexLock lock(mutex_);
  --inside_;
  if (waiting_ > 0) changed_.notify_all();
}

void Window::answered(std::chrono::nanoseconds first_byte) {
  MutexLock lock(mutex_);
  if (first_byte.count() > 0 && has_become_slow(first_byte)) {
    // A round of them: one slow answer is nobody's fault.
    if (++slow_answers_ > busiest_) narrow(0.75, kLeastForSlow);
    return;
  }
  slow_answers_ = 0;
  if (size_ < widest_) size_ = std::min(widest_, size_ + 1 / size_);
}

bool Window::has_become_slow(std::chrono::nanoseconds first_byte) {
  const double took = std::chrono::duration<double>(first_byte).count();
  usual_ = usual_ == 0 || took < usual_ ? took : usual_ + (took - usual_) * kNewUsual;
  recent_ = recent_ == 0 ? took : recent_ + (took - recent_) * kNewRecent;
  return recent_ > std::max(kNoticeable, kSlower * usual_);
}

void Window::refused(Clock::Steady sent, Clock::Steady now) {
  MutexLock lock(mutex_);
  if (sent <= narrowed_) return;
  narrowed_ = now;
  narrow(0.5, 1);
}

void Window::narrow(double part, double least) {
  const double used = std::min(size_, static_cast<double>(busiest_));
  size_ = std::min(size_, std::max(least, used * part));
  busiest_ = inside_;
  slow_answers_ = 0;
}

std::size_t Window::size() const {
  MutexLock lock(mutex_);
  return static_cast<std::size_t>(size_);
}

}  // namespace davit::registry
