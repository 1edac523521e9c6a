#pragma once

#include <map>
#include <optional>
#include <string>

#include "auth/shared_calls.h"
#include "aws/ecr_api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"

namespace davit::aws {

/// A password for an ECR registry.
struct EcrToken {
  Secret text;                 ///< base64 of "AWS:PASSWORD"
  std::string proxy_endpoint;  ///< the registry it was made for, as ECR names it
  Clock::Steady since = {};    ///< when it came
  bool after_refusal = false;  ///< it replaces one that the registry had just refused
};

/// The passwords of one identity: one for each account and region, for the region decides where it is good
/// and another identity has another set. Asked for once whatever the number of threads, renewed at half of
/// its life by one of them while the others go on with the old one, and kept until its end when it cannot be
/// renewed, even where a refusal made somebody guess that it is the reason. Thread-safe. REQUIRES: all
/// references outlive it.
class EcrTokens {
 public:
  EcrTokens(Api& api, Identity& identity, Clock& clock, Log log)
      : api_(api), identity_(identity), clock_(clock), log_(std::move(log)) {}

  /// Errors: as EcrApi.
  Result<EcrToken> get(const EcrSite& site, const CallContext& context);

  /// What a refusal says about a password: that it has ended, or nothing, and it may be the reason.
  enum class Refused { guessed, expired };

  /// The registry did not accept `refused`: the next get() asks for another one, unless there is one already.
  /// False, and nothing happens, for a guess while no other one can be had.
  bool refused(const EcrSite& site, const Secret& refused, Refused how);

  /// What was got for `from` is good for `to` as well: the same region, and an account that has become known.
  void share(const EcrSite& from, const EcrSite& to);

 private:
  struct Entry {
    EcrToken token;
    Clock::Steady renew_at;
    Clock::Steady expires_at;
    bool renewing = false;
    std::optional<Refused> refused = {};
    Clock::Steady guess_again_at = {};  // until then a guess does not count
  };

  Result<EcrToken> fetch(const EcrSite& site, const std::string& key, const CallContext& context);
  /// What is still good when no other one can be had.
  std::optional<EcrToken> left(const std::string& key, const Error& error);
  Result<EcrToken> renew(const EcrSite& site, const std::string& key, EcrToken old,
                         const CallContext& context);

  Api& api_;
  Identity& identity_;
  Clock& clock_;
  const Log log_;
  auth::SharedCalls<EcrToken> fetches_;
  Mutex mutex_;
  std::map<std::string, Entry> entries_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::aws
