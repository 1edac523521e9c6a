#include "base/worker_pool.h"

#include <algorithm>
#include <exception>
#include <system_error>

namespace davit {

WorkerPool::WorkerPool(std::size_t threads) : limit_(std::max<std::size_t>(threads, 1)) {}

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::submit(std::function<void()> job) {
  {
    MutexLock lock(mutex_);
    if (start_thread()) {
      queue_.push_back(std::move(job));
      changed_.notify_one();
      return;
    }
  }
  job();  // no thread to be had
}

/// Another thread where that helps. False when there is none at all.
bool WorkerPool::start_thread() {
  if (queue_.size() < idle_ || threads_.size() == limit_) return true;
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {  // the limits of the host program or its container
  }
  return !threads_.empty();
}

void WorkerPool::run() {
  for (;;) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !closing_) changed_.wait(mutex_);
      --idle_;
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

void for_each_index(WorkerPool& pool, std::size_t count, const std::function<void(std::size_t)>& call) {
  struct Countdown {
    Mutex mutex;
    CondVar done;
    std::size_t left DAVIT_GUARDED_BY(mutex);
    std::exception_ptr thrown DAVIT_GUARDED_BY(mutex);
  } countdown;
  {
    MutexLock lock(countdown.mutex);
    countdown.left = count;
  }
  for (std::size_t i = 0; i < count; ++i) {
    pool.submit([&countdown, &call, i] {
      std::exception_ptr thrown;
      try {
        call(i);
      } catch (...) {  // an embedder's store, or memory that has run out; it must not end the thread
        thrown = std::current_exception();
      }
      MutexLock lock(countdown.mutex);
      if (thrown) countdown.thrown = thrown;
      if (--countdown.left == 0) countdown.done.notify_all();
    });
  }
  MutexLock lock(countdown.mutex);
  while (countdown.left != 0) countdown.done.wait(countdown.mutex);
  if (countdown.thrown) std::rethrow_exception(countdown.thrown);
}

}  // namespace davit
