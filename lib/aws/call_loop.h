#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <davit/call_context.h>
#include <davit/result.h>

#include "aws/api.h"
#include "aws/clock_offset.h"
#include "aws/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "net/http.h"
#include "registry/limits.h"

namespace davit::aws {

/// Whose keys sign a request. Thread-safe.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual Result<Keys> keys(const CallContext& context) = 0;
  /// AWS said that these have expired: the next keys() should be others.
  virtual void expired(const Keys& keys) = 0;
};

/// One request to AWS as it is before it is signed.
struct Call {
  std::string operation;  ///< for messages
  net::Request request;
  std::string region;                  ///< of the signature
  std::string service;                 ///< of the signature
  std::vector<Secret> secrets{};       ///< in the request: an answer that repeats one comes without it
  registry::Limits* limits = nullptr;  ///< each try waits for its turn; null: at once
  registry::Action action = registry::Action::other;
};

/// The one place that repeats requests to AWS: three tries with the waits of AWS's "standard" mode and its
/// quota, expired keys renewed once, a wrong clock corrected once and remembered. Thread-safe.
class CallLoop {
 public:
  /// `offset` is shared with everybody who talks to AWS. REQUIRES: transport and clock outlive it.
  CallLoop(net::Transport& transport, Clock& clock, Log log, std::shared_ptr<ClockOffset> offset);

  /// As Api::send(). Without a signer the request goes as it is.
  Result<ApiAnswer> send(const Call& call, Signer* signer, const CallContext& context);

  /// The time by AWS's clock, as far as a refusal has told.
  [[nodiscard]] Clock::Wall now() const { return clock_.wall() + offset_->get(); }
  /// Whether any answer has told.
  [[nodiscard]] bool knows_now() const { return offset_->is_known(); }

 private:
  enum class Next { done, again, now };
  struct Progress;

  Result<net::Response> exchange(const Call& call, Signer* signer, Progress& progress,
                                 const CallContext& context);
  Next judge(const Call& call, Signer* signer, Progress& progress, const Result<net::Response>& answer);
  bool correct_clock(const Call& call, std::chrono::seconds used, const net::Response& answer);
  void confirm_clock(const net::Response& answer);
  bool pay(int price) DAVIT_EXCLUDES(mutex_);
  void refund(int paid) DAVIT_EXCLUDES(mutex_);

  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  const std::shared_ptr<ClockOffset> offset_;
  Mutex mutex_;
  int quota_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::aws
