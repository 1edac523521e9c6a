#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace davit {

/// A fixed number of threads that run jobs in the order they came. Threads start when there is work for them;
/// where none can be had at all, submit() runs the job itself. The destructor runs what is queued and joins.
/// A job never waits for another job of the same pool.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] std::size_t size() const { return limit_; }
  void submit(std::function<void()> job);

 private:
  void run();
  bool start_thread() DAVIT_REQUIRES(mutex_);

  const std::size_t limit_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ DAVIT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ DAVIT_GUARDED_BY(mutex_);
  std::size_t idle_ DAVIT_GUARDED_BY(mutex_) = 0;
  bool closing_ DAVIT_GUARDED_BY(mutex_) = false;
};

/// Runs `call(i)` for every i in [0, count) on the pool and returns when all are done. An exception of a call
/// is thrown again here, after the last call has ended. REQUIRES: not called from one of the pool's own
/// threads.
void for_each_index(WorkerPool& pool, std::size_t count, const std::function<void(std::size_t)>& call);

}  // namespace davit
