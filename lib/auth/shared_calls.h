#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/context.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/try.h"

namespace davit::auth {

/// Many threads, one question: who asks while somebody is already asking the same waits for that answer,
/// error or not. Only when the one who asked gave up for reasons of its own does the next one ask again.
/// Thread-safe.
template <class T>
class SharedCalls {
 public:
  /// `call` is run on one of the calling threads, with no lock held. Waiting ends with `context`.
  Result<T> run(const std::string& key, const std::function<Result<T>()>& call, const CallContext& context) {
    for (;;) {
      DAVIT_TRY_VOID(check(context));
      bool leads = false;
      const std::shared_ptr<Flight> flight = join(key, leads);
      if (leads) {
        Result<T> answer = guarded(call);
        land(key, *flight, answer, !check(context).has_value());
        return answer;
      }
      std::optional<Result<T>> answer = wait(*flight, context);
      if (answer) return *std::move(answer);
    }
  }

 private:
  struct Flight {  // co-owned by everybody who waits for it
    bool landed = false;
    bool abandoned = false;
    std::optional<Result<T>> answer;
  };

  static Result<T> guarded(const std::function<Result<T>()>& call) {
    try {
      return call();
    } catch (...) {  // an embedder's own code; its text may hold anything
      return make_error(Errc::internal, "an exception was thrown while looking for credentials");
    }
  }

  std::shared_ptr<Flight> join(const std::string& key, bool& leads) DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    leads = flight == nullptr;
    if (leads) flight = std::make_shared<Flight>();
    return flight;
  }

  void land(const std::string& key, Flight& flight, const Result<T>& answer, bool abandoned)
      DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    flight.landed = true;
    flight.abandoned = abandoned && !answer;
    flight.answer = answer;
    flights_.erase(key);
    landed_.notify_all();
  }

  /// Empty when the question has to be asked again, or when `context` has ended.
  std::optional<Result<T>> wait(Flight& flight, const CallContext& context) DAVIT_EXCLUDES(mutex_) {
    const std::stop_callback wake(context.stop, [this] {
      MutexLock lock(mutex_);
      landed_.notify_all();
    });
    MutexLock lock(mutex_);
    while (!flight.landed && check(context)) {
      if (context.deadline) {
        landed_.wait_until(mutex_, *context.deadline);
      } else {
        landed_.wait(mutex_);
      }
    }
    if (!flight.landed || flight.abandoned) return std::nullopt;
    return flight.answer;
  }

  Mutex mutex_;
  CondVar landed_;
  std::map<std::string, std::shared_ptr<Flight>> flights_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::auth
