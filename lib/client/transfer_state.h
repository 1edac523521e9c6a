#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include <davit/transfer.h>

#include "base/mutex.h"
#include "transfer/progress.h"

namespace davit {

/// A transfer on a thread of its own. Destroying it cancels and joins.
class Transfer::State {
 public:
  /// `work` runs at once. It is stopped through `stop`, by cancel() or when the caller's token says so.
  State(std::function<Result<std::vector<Delivery>>(transfer::Board&, std::stop_token)> work, Observer* observer, Notifier& notifier,
        std::stop_source stop, std::stop_token caller);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool wait_for(std::chrono::milliseconds time);
  [[nodiscard]] Progress progress() const { return board_.snapshot(); }
  void cancel() { stop_.request_stop(); }
  Result<std::vector<Delivery>> result();

 private:
  transfer::Board board_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Result<std::vector<Delivery>>> result_ DAVIT_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace davit
