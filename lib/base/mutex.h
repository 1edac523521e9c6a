#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang's thread-safety annotations; nothing elsewhere.
#if defined(__clang__)
#define DAVIT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DAVIT_THREAD_ANNOTATION(x)
#endif
#define DAVIT_GUARDED_BY(x) DAVIT_THREAD_ANNOTATION(guarded_by(x))
#define DAVIT_REQUIRES(...) DAVIT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define DAVIT_EXCLUDES(...) DAVIT_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace davit {

/// std::mutex with the annotations that libstdc++'s lacks.
class DAVIT_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() DAVIT_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() DAVIT_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class DAVIT_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DAVIT_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() DAVIT_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// A condition variable over Mutex. Write the loop yourself: `while (!ready_) cond_.wait(mutex_);`, so the
/// annotations see the guarded read.
class CondVar {
 public:
  void wait(Mutex& mutex) DAVIT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  /// False when the time passed.
  template <class Clock, class Duration>
  bool wait_until(Mutex& mutex, const std::chrono::time_point<Clock, Duration>& until) DAVIT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(held, until) == std::cv_status::no_timeout;
    held.release();
    return in_time;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace davit
