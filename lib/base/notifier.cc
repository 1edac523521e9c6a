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
  queue_.push_back(std::move(call));
  changed_.notify_all();
}

void Notifier::drain() {
  MutexLock lock(mutex_);
  while (busy_ || !queue_.empty()) changed_.wait(mutex_);
}

void Notifier::run() {
  for (;;) {
    std::function<void()> call;
    {
      MutexLock lock(mutex_);
      busy_ = false;
      changed_.notify_all();
      while (queue_.empty() && !closing_) changed_.wait(mutex_);
      if (queue_.empty()) return;
      call = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
    }
    try {
      call();
    } catch (...) {  // a listener's exception must not take the transfer down
    }
  }
}

}  // namespace davit
