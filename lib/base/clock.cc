#include "base/clock.h"

#include <random>

#include "base/context.h"
#include "base/mutex.h"

namespace davit {
namespace {

class SystemClock final : public Clock {
 public:
  Steady steady() const override { return std::chrono::steady_clock::now(); }
  Wall wall() const override { return std::chrono::system_clock::now(); }

  double random() override {
    thread_local std::minstd_rand engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
  }

  Result<> sleep_for(std::chrono::milliseconds duration, const CallContext& context) override {
    auto until = steady() + duration;
    if (context.deadline && *context.deadline < until) until = *context.deadline;
    Mutex mutex;
    CondVar woken;
    std::stop_callback wake(context.stop, [&] {
      MutexLock lock(mutex);
      woken.notify_all();
    });
    {
      MutexLock lock(mutex);
      while (!context.stop.stop_requested() && woken.wait_until(mutex, until)) {
      }
    }
    return check(context);
  }
};

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

}  // namespace davit
