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
  /// `work` runs at once, and keeps what it uses alive. It is stopped when the caller's token, the client's
  /// end or cancel() says so.
  State(std::function<Result<std::vector<Delivery>>(transfer::Board&, std::stop_token)> work,
        Observer* observer, Notifier& notifier, std::stop_token caller, std::stop_token client);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool wait_for(std::chrono::milliseconds time);
  [[nodiscard]] Progress progress() const { return board_.snapshot(); }
  void cancel() { stop_.request_stop(); }
  Result<std::vector<Delivery>> result();

 private:
  const std::function<Result<std::vector<Delivery>>(transfer::Board&, std::stop_token)>
      work_;  // first: owns what the rest refers to
  transfer::Board board_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> caller_stops_;
  std::stop_callback<std::function<void()>> client_stops_;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Result<std::vector<Delivery>>> result_ DAVIT_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace davit
