#include "base/notifier.h"

namespace davit {

Notifier::Notifier() : thread_([this] { run(); }) {}

Notifier::~Notifier() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Notifier::post(std::function<void()> call) {
  MutexLock lock(mutex_);
  add(std::move(call));
}

bool Notifier::offer(std::function<void()> call) {
  MutexLock lock(mutex_);
  if (queue_.size() >= kMostWaiting) return false;
  add(std::move(call));
  return true;
}

void Notifier::add(std::function<void()> call) {
  queue_.push_back(std::move(call));
  ++posted_;
  changed_.notify_all();
}

void Notifier::drain() {
  MutexLock lock(mutex_);
  const std::uint64_t wanted = posted_;  // what others post meanwhile is not waited for
  while (delivered_ < wanted) changed_.wait(mutex_);
}

void Notifier::run() {
  for (;;) {
    std::function<void()> call;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !closing_) changed_.wait(mutex_);
      if (queue_.empty()) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      call();
    } catch (...) {  // a listener's exception must not take the transfer down
    }
    call = nullptr;  // whoever drains may then destroy what it refers to
    MutexLock lock(mutex_);
    ++delivered_;
    changed_.notify_all();
  }
}

}  // namespace davit
