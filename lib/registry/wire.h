#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "auth/authorizer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "net/http.h"
#include "registry/answer.h"
#include "registry/limits.h"
#include "registry/pull_count.h"
#include "registry/retry.h"

namespace davit::registry {

/// One request, as often as it takes.
struct Call {
  net::Request request;  ///< without Authorization; answer_limit is for successful answers
  auth::Scope scope;
  Action action = Action::other;
  bool authorize = true;  ///< false once a server has sent us to another origin
  bool stream = false;    ///< hand over the body of a 200 or 206 unread
  bool retry = true;      ///< false: one try, because the caller starts over in its own way
  /// Makes the body, from its first byte, for each try; with `request.source_size`.
  std::function<Result<std::unique_ptr<ByteSource>>()> open_body = {};
  /// Asked before a write whose outcome is unknown is repeated: has it happened?
  std::function<Result<bool>()> happened = {};
};

struct WireOptions {
  std::string host;                ///< as in a Reference, for people
  std::shared_ptr<Limits> limits;  ///< co-owned by everybody who talks to the registry
  RetryRules retry = {};
};

/// Sends requests to one registry: limits, authorization, redirects, retries and nothing else. Any status
/// that trying again does not change is an Answer. Thread-safe.
class Wire {
 public:
  Wire(WireOptions options, net::Transport& transport, auth::Authorizer* authorizer, Clock& clock, Log log)
      : options_(std::move(options)),
        transport_(transport),
        authorizer_(authorizer),
        clock_(clock),
        log_(std::move(log)),
        pulls_(options_.host, log_) {}

  /// Errors carry the purpose and the attempts; an error of the body's own source comes back as it was.
  Result<Answer> send(const Purpose& purpose, const Call& call, const CallContext& context);

  /// Fresh tries for something that takes several requests.
  Tries tries() { return {options_.retry, budget_, clock_}; }
  Clock& clock() { return clock_; }
  /// Null: anonymous.
  [[nodiscard]] auth::Authorizer* authorizer() const { return authorizer_; }
  const Log& log() const { return log_; }
  /// What the registry said about its pulls; empty for those that do not count.
  [[nodiscard]] std::optional<PullQuota> pull_quota() const { return pulls_.get(); }

 private:
  struct Outcome;
  /// How often a 401 of one call may still be answered with something else to show: the first challenge, then
  /// a renewal of an expired token, or a scope that the first token did not have.
  struct Challenges {
    int unauthorized = 1;
    int refused = 2;
    int rejected = 1;  ///< refusals without a challenge
  };
  Outcome once(const Call& call, Challenges& left, const CallContext& context);
  Result<Answer> receive(const Call& call, const net::Request& request, const CallContext& context);
  void note_warnings(const net::Headers& headers);

  /// What became of a try, for the limits.
  std::optional<Trouble> judge(const Call& call, Answer& answer, Limits::Turn& turn,
                               std::optional<std::chrono::seconds> retry_after);

  const WireOptions options_;
  net::Transport& transport_;
  auth::Authorizer* authorizer_;  // null: anonymous
  Clock& clock_;
  const Log log_;
  PullCount pulls_;
  RetryBudget budget_;
  Mutex mutex_;
  std::set<std::string> warned_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::registry
