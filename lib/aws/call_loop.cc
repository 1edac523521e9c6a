#include "aws/call_loop.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "aws/failure.h"
#include "aws/sigv4.h"
#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "registry/fields.h"

namespace davit::aws {
namespace {

using std::chrono::seconds;

constexpr int kTries = 3;
constexpr int kQuota = 500;
constexpr int kRetryPrice = 5;
constexpr int kTimeoutPrice = 10;
constexpr std::int64_t kLongestWaitMilliseconds = 20'000;

/// Clocks that differ by less than AWS's own tolerance are not to blame.
constexpr seconds kTolerance{240};

/// Dates outside of these years are not taken for the time.
bool is_sane(std::chrono::sys_seconds date) {
  using namespace std::chrono;
  return date >= sys_days(year(2020) / 1 / 1) && date < sys_days(year(2100) / 1 / 1);
}

void remove_all(std::string& text, const std::string& secret) {
  if (secret.size() < 8) return;
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; ++at)
    text.replace(at, secret.size(), "***");
}

void remove_all(std::string& text, const Secret& secret) {
  remove_all(text, secret.reveal());
  remove_all(text, net::percent_encode(secret.reveal()));
}

std::string name_of(const Call& call) {
  return call.operation + " at " + call.request.url.host();
}

bool is_success(const Result<net::Response>& answer) {
  return answer && answer->status >= 200 && answer->status < 300;
}

bool is_throttled(const ApiFailure& failure) {
  return is_throttling(failure.code) || failure.status == 429;
}

}  // namespace

struct CallLoop::Progress {
  int tries = 0;
  int paid = 0;
  bool renewed = false;
  bool corrected = false;
  bool may_be_done = false;
  Keys keys = {};
  seconds offset{0};  // of the last signature
};

CallLoop::CallLoop(net::Transport& transport, Clock& clock, Log log, std::shared_ptr<ClockOffset> offset)
    : transport_(transport),
      clock_(clock),
      log_(std::move(log)),
      offset_(std::move(offset)),
      quota_(kQuota) {}

Result<ApiAnswer> CallLoop::send(const Call& call, Signer* signer, const CallContext& context) {
  Progress progress;
  for (;;) {
    DAVIT_TRY_VOID(check(context));
    if (signer != nullptr) {
      DAVIT_TRY(progress.keys, signer->keys(context));
    }
    auto answer = exchange(call, signer, progress, context);
    const Next next = judge(call, signer, progress, answer);
    if (next == Next::now) continue;
    if (next == Next::done) {
      if (is_success(answer)) refund(std::max(progress.paid, 1));
      if (!answer) {
        Error error = answer.error().with_context(name_of(call));
        error.attempts = progress.tries;
        return error;
      }
      const ApiFailure failure = is_success(answer) ? ApiFailure{} : parse_failure(*answer);
      if (is_success(answer) || (!is_throttled(failure) && !is_transient(failure)))
        return ApiAnswer{*std::move(answer), progress.tries, progress.may_be_done};
      Error error = refusal(call.operation, call.request.url, *answer);
      error.http->method = call.request.method;
      error.attempts = progress.tries;
      return error;
    }
    const std::int64_t longest =
        std::min(kLongestWaitMilliseconds, std::int64_t{1000} << (progress.tries - 1));
    const auto wait = static_cast<std::int64_t>(clock_.random() * static_cast<double>(longest));
    DAVIT_TRY_VOID(clock_.sleep_for(std::chrono::milliseconds(wait), context));
  }
}

Result<net::Response> CallLoop::exchange(const Call& call, Signer* signer, Progress& progress,
                                         const CallContext& context) {
  std::optional<registry::Limits::Turn> turn;
  if (call.limits != nullptr) {
    DAVIT_TRY(registry::Limits::Turn taken,
              call.limits->turn(call.action, registry::Carries::nothing, context));
    turn.emplace(std::move(taken));
  }
  net::Request request = call.request;
  if (signer != nullptr) {
    progress.offset = offset_->get();
    sign(request, progress.keys, {.region = call.region, .service = call.service},
         clock_.wall() + progress.offset);
  }
  ++progress.tries;
  auto answer = transport_.exchange(request, context);
  if (turn && answer) {
    // How long a batch takes says nothing: its answer may be of megabytes.
    if (is_success(answer)) {
      turn->answered(std::chrono::nanoseconds(0));
    } else if (is_throttled(parse_failure(*answer))) {
      turn->refused(std::chrono::seconds(0));
    }
  }
  if (!answer || is_success(answer)) return answer;
  for (const Secret& secret : call.secrets) remove_all(answer->body, secret);
  remove_all(answer->body, progress.keys.secret);
  remove_all(answer->body, progress.keys.session_token);
  return answer;
}

CallLoop::Next CallLoop::judge(const Call& call, Signer* signer, Progress& progress,
                               const Result<net::Response>& answer) {
  if (answer && !offset_->is_known()) confirm_clock(*answer);
  if (is_success(answer)) return Next::done;
  int price = kRetryPrice;
  if (!answer) {
    if (!answer.error().retryable) return Next::done;
    if (answer.error().code == Errc::timeout) price = kTimeoutPrice;
    progress.may_be_done = true;
  } else {
    const ApiFailure failure = parse_failure(*answer);
    if (signer != nullptr && is_expired_token(failure.code) && !std::exchange(progress.renewed, true)) {
      signer->expired(progress.keys);
      return Next::now;
    }
    if (signer != nullptr && may_be_clock_skew(failure.code) && !std::exchange(progress.corrected, true) &&
        correct_clock(call, progress.offset, *answer))
      return Next::now;
    const bool throttled = is_throttled(failure);
    if (!throttled && !is_transient(failure)) return Next::done;
    if (!throttled) progress.may_be_done = true;
  }
  if (progress.tries >= kTries || !pay(price)) return Next::done;
  progress.paid += price;
  log_.write(LogLevel::debug, "aws", "another try",
             {{"operation", call.operation}, {"tries", std::to_string(progress.tries)}});
  return Next::again;
}

/// Row 71. True when signing with the server's time may help.
bool CallLoop::correct_clock(const Call& call, seconds used, const net::Response& answer) {
  const auto date = registry::parse_http_date(answer.headers.get("Date"));
  if (!date || !is_sane(*date)) return false;
  const seconds difference = *date - std::chrono::time_point_cast<seconds>(clock_.wall());
  const seconds change = difference - used;
  if (change < kTolerance && change > -kTolerance) return false;
  if (offset_->correct(difference)) {
    log_.write(LogLevel::warning, "aws", "this machine's clock differs from AWS's",
               {{"seconds", std::to_string(difference.count())}, {"host", call.request.url.host()}});
  }
  return true;
}

/// A date much like ours shows that our clock is right. Another one shows nothing without a refusal.
void CallLoop::confirm_clock(const net::Response& answer) {
  const auto date = registry::parse_http_date(answer.headers.get("Date"));
  if (!date || !is_sane(*date)) return;
  const seconds difference = *date - std::chrono::time_point_cast<seconds>(clock_.wall());
  if (difference < kTolerance && difference > -kTolerance) offset_->confirm();
}

bool CallLoop::pay(int price) {
  MutexLock lock(mutex_);
  if (quota_ < price) return false;
  quota_ -= price;
  return true;
}

void CallLoop::refund(int paid) {
  MutexLock lock(mutex_);
  quota_ = std::min(kQuota, quota_ + paid);
}

}  // namespace davit::aws
