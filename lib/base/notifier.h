#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace davit {

/// Runs posted calls one after the other on a thread of its own, with no lock held, so that a slow listener
/// delays nobody. The destructor delivers what is still queued, then joins. A call that throws is dropped.
class Notifier {
 public:
  Notifier();
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void post(std::function<void()> call);
  /// The same for what may be lost: dropped, with false, while a listener is far behind.
  bool offer(std::function<void()> call);
  /// Returns when everything posted before has been delivered. REQUIRES: not called from a posted call.
  void drain();

 private:
  /// Calls that may wait before offer() drops more.
  static constexpr std::size_t kMostWaiting = 10'000;

  void add(std::function<void()> call) DAVIT_REQUIRES(mutex_);
  void run();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ DAVIT_GUARDED_BY(mutex_);
  std::uint64_t posted_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::uint64_t delivered_ DAVIT_GUARDED_BY(mutex_) = 0;
  bool closing_ DAVIT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace davit
