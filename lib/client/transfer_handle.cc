#include <thread>

#include "base/guarded.h"
#include "base/mutex.h"
#include "client/transfer_state.h"

namespace davit {

Transfer::State::State(std::function<Result<std::vector<Delivery>>(transfer::Board&, std::stop_token)> work,
                       Observer* observer, Notifier& notifier, std::stop_token caller, std::stop_token client)
    : work_(std::move(work)),
      board_(observer, notifier),
      caller_stops_(std::move(caller), [this] { stop_.request_stop(); }),
      client_stops_(std::move(client), [this] { stop_.request_stop(); }),
      thread_([this] {
        auto result = guarded([&] { return work_(board_, stop_.get_token()); });
        MutexLock lock(mutex_);
        result_ = std::move(result);
        changed_.notify_all();
      }) {}

Transfer::State::~State() {
  stop_.request_stop();
  thread_.join();
}

bool Transfer::State::wait_for(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  MutexLock lock(mutex_);
  while (!result_ && changed_.wait_until(mutex_, until)) {
  }
  return result_.has_value();
}

Result<std::vector<Delivery>> Transfer::State::result() {
  MutexLock lock(mutex_);
  while (!result_) changed_.wait(mutex_);
  return *result_;
}

Transfer::Transfer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transfer::Transfer(Transfer&&) noexcept = default;
Transfer& Transfer::operator=(Transfer&&) noexcept = default;
Transfer::~Transfer() = default;

bool Transfer::wait_for(std::chrono::milliseconds time) const {
  return state_->wait_for(time);
}
Progress Transfer::progress() const {
  return state_->progress();
}
void Transfer::cancel() {
  state_->cancel();
}
Result<std::vector<Delivery>> Transfer::result() {
  return state_->result();
}

Observer::~Observer() = default;
void Observer::planned(const Progress&) {}
void Observer::started(const std::string&) {}
void Observer::done(const std::string&) {}
void Observer::note(const std::string&) {}
void Observer::finished(const std::vector<Delivery>&) {}

}  // namespace davit
