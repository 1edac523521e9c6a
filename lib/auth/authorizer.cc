#include "auth/authorizer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "auth/challenge.h"
#include "auth/credential_cache.h"
#include "auth/realm.h"
#include "auth/scopes.h"
#include "auth/shared_calls.h"
#include "auth/token_request.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::auth {
namespace {

/// A token is renewed this long before its end, or at three quarters of a short life.
constexpr std::chrono::seconds kAhead{60};
/// After a renewal that failed while the old token is still good.
constexpr std::chrono::seconds kRenewalPause{5};
/// Far above the repositories of one run; a bound, not a limit.
constexpr std::size_t kMostTokens = 1000;
/// Scopes that challenges may add to one of ours.
constexpr std::size_t kMostFurther = 8;

class RegistryAuthorizer final : public Authorizer {
 public:
  RegistryAuthorizer(AuthorizerOptions options, net::Transport& transport, Clock& clock)
      : host_(std::move(options.host)),
        origin_(std::move(options.origin)),
        allowed_realms_(std::move(options.allowed_realms)),
        transport_(transport),
        clock_(clock),
        credentials_(host_, std::move(options.credentials)) {}

  Result<std::string> header(const Scope& scope, const CallContext& context) override;
  Result<bool> challenged(const std::vector<std::string>& www_authenticate, const Scope& scope,
                          const std::string& refused, const CallContext& context) override;

 private:
  enum class Kind { unknown, basic, bearer };

  /// What the registry last asked for.
  struct Demand {
    Kind kind = Kind::unknown;
    Realm realm;
    std::string service;
  };

  struct Token {
    Secret text;
    Clock::Steady renew_at;
    Clock::Steady expires_at;
    unsigned uses = 0;  // a token that is refused at its first use will not get better
  };

  Result<std::string> bearer(const Demand& demand, const Scope& scope, const CallContext& context);
  Result<std::string> fetch(const Demand& demand, const Scope& scope, const TokenRequest& request,
                            const std::string& key, const CallContext& context);
  std::optional<std::string> cached(const std::string& key, bool even_if_old);
  TokenRequest request_for(const Demand& demand, const Scope& scope);

  Result<bool> basic_refused(const Scope& scope, const std::string& refused, const CallContext& context);
  Result<bool> bearer_refused(const Challenge& challenge, const Demand& demand, const Scope& scope,
                              const std::string& refused, const CallContext& context);
  bool learn_scopes(std::string_view wanted, const std::vector<std::string>& own);
  Result<bool> ask_sources_again(const Scope& scope, const SharedCredential& credential,
                                 const CallContext& context);
  Error refusal(const Scope& scope, const SharedCredential& credential, bool granted) const;

  const std::string host_;
  const net::Url origin_;
  const std::vector<std::string> allowed_realms_;
  net::Transport& transport_;
  Clock& clock_;
  CredentialCache credentials_;
  SharedCalls<std::string> fetches_;
  Mutex mutex_;
  Demand demand_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, Token> tokens_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::vector<std::string>, std::vector<std::string>> further_
      DAVIT_GUARDED_BY(mutex_);  // learnt from challenges, by own scopes
};

std::string key_of(const TokenRequest& request) {
  std::string key = request.realm.url.text() + '\n' + request.service;
  for (const std::string& scope : request.scopes) key += '\n' + scope;
  return key;
}

std::string action_of(const Scope& scope) {
  if (scope.repository.empty()) return "use it";
  return (scope.push ? "push to " : "read ") + scope.repository;
}

Result<std::string> RegistryAuthorizer::header(const Scope& scope, const CallContext& context) {
  Demand demand;
  {
    MutexLock lock(mutex_);
    demand = demand_;
  }
  if (demand.kind == Kind::unknown) return std::string();
  if (demand.kind == Kind::bearer) return bearer(demand, scope, context);
  DAVIT_TRY(const SharedCredential credential, credentials_.find(scope.repository, context));
  if (credential == nullptr || credential->password.empty()) return std::string();
  return basic_header(credential->username, credential->password);
}

TokenRequest RegistryAuthorizer::request_for(const Demand& demand, const Scope& scope) {
  TokenRequest request{
      .host = host_, .realm = demand.realm, .service = demand.service, .scopes = scopes_of(scope)};
  MutexLock lock(mutex_);
  const auto more = further_.find(request.scopes);
  if (more != further_.end())
    request.scopes.insert(request.scopes.end(), more->second.begin(), more->second.end());
  return request;
}

/// The header of a token at hand.
std::optional<std::string> RegistryAuthorizer::cached(const std::string& key, bool even_if_old) {
  MutexLock lock(mutex_);
  const auto found = tokens_.find(key);
  if (found == tokens_.end()) return std::nullopt;
  Token& token = found->second;
  if (clock_.steady() >= (even_if_old ? token.expires_at : token.renew_at)) return std::nullopt;
  ++token.uses;
  return "Bearer " + token.text.reveal();
}

Result<std::string> RegistryAuthorizer::bearer(const Demand& demand, const Scope& scope,
                                               const CallContext& context) {
  const TokenRequest request = request_for(demand, scope);
  const std::string key = key_of(request);
  if (auto at_hand = cached(key, false)) return *std::move(at_hand);
  auto fetched = fetches_.run(
      key, [&] { return fetch(demand, scope, request, key, context); }, context);
  if (!fetched) {
    DAVIT_TRY_VOID(check(context));
    // A token service that is down takes nothing away yet.
    if (auto old = cached(key, true)) {
      MutexLock lock(mutex_);
      const auto found = tokens_.find(key);
      if (found != tokens_.end())
        found->second.renew_at = std::min(found->second.expires_at, clock_.steady() + kRenewalPause);
      return *std::move(old);
    }
    return fetched;
  }
  if (auto at_hand = cached(key, false)) return *std::move(at_hand);  // counts the use
  return fetched;
}

Result<std::string> RegistryAuthorizer::fetch(const Demand& demand, const Scope& scope,
                                              const TokenRequest& request, const std::string& key,
                                              const CallContext& context) {
  {
    // Somebody may have brought one between our look and our turn.
    MutexLock lock(mutex_);
    const auto found = tokens_.find(key);
    if (found != tokens_.end() && clock_.steady() < found->second.renew_at)
      return "Bearer " + found->second.text.reveal();
  }
  DAVIT_TRY(const SharedCredential credential, credentials_.find(scope.repository, context));
  if (credential != nullptr && !credential->registry_token.empty())
    return "Bearer " + credential->registry_token.reveal();
  if (credential != nullptr && !demand.realm.trusted) {
    const std::string realm = demand.realm.url.host_port();
    return make_error(
        Errc::denied,
        "registry " + host_ + " wants the credentials sent to " + realm +
            ", which is not known to belong to it",
        "if it does: --allow-realm " + (realm.ends_with(":443") ? realm.substr(0, realm.size() - 4) : realm));
  }
  DAVIT_TRY(TokenAnswer answer, request_token(transport_, request, credential.get(), context));
  if (credential != nullptr && !answer.refresh_token.empty() && !credential->identity_token.empty()) {
    credentials_.renew(scope.repository, credential, answer.refresh_token);
  }
  const Clock::Steady now = clock_.steady();
  Token token{.text = std::move(answer.token),
              .renew_at = now + answer.lifetime - std::min(kAhead, answer.lifetime / 4),
              .expires_at = now + answer.lifetime};
  std::string header = "Bearer " + token.text.reveal();
  MutexLock lock(mutex_);
  if (tokens_.size() >= kMostTokens) tokens_.clear();
  tokens_.insert_or_assign(key, std::move(token));
  return header;
}

Result<bool> RegistryAuthorizer::challenged(const std::vector<std::string>& www_authenticate,
                                            const Scope& scope, const std::string& refused,
                                            const CallContext& context) {
  const std::vector<Challenge> challenges = parse_challenges(www_authenticate);
  if (challenges.empty()) return false;
  const std::optional<Challenge> challenge = choose_challenge(challenges);
  if (!challenge) {
    return make_error(Errc::unauthenticated, host_ + " asks for \"" + escaped(challenges.front().scheme, 40) +
                                                 "\" authentication; davit answers Bearer and Basic");
  }
  Demand demand;
  if (challenge->scheme == "bearer") {
    demand.kind = Kind::bearer;
    DAVIT_TRY(demand.realm, judge_realm(origin_, challenge->get("realm"), allowed_realms_));
    demand.service = challenge->get("service");
  } else {
    demand.kind = Kind::basic;
  }
  Demand before;
  {
    MutexLock lock(mutex_);
    before = std::exchange(demand_, demand);
  }
  if (demand.kind == Kind::basic) return basic_refused(scope, refused, context);
  return bearer_refused(*challenge, before, scope, refused, context);
}

Result<bool> RegistryAuthorizer::basic_refused(const Scope& scope, const std::string& refused,
                                               const CallContext& context) {
  DAVIT_TRY(const SharedCredential credential, credentials_.find(scope.repository, context));
  if (credential == nullptr || credential->password.empty()) return refusal(scope, credential, false);
  if (basic_header(credential->username, credential->password) != refused) return true;
  return ask_sources_again(scope, credential, context);
}

/// Whether the challenge names anything that was not asked for yet.
bool RegistryAuthorizer::learn_scopes(std::string_view wanted, const std::vector<std::string>& own) {
  MutexLock lock(mutex_);
  if (further_.size() >= kMostTokens) further_.clear();
  std::vector<std::string>& further = further_[own];
  std::vector<std::string> known = own;
  known.insert(known.end(), further.begin(), further.end());
  const std::vector<std::string> more = further_scopes(wanted, known);
  if (more.empty() || further.size() + more.size() > kMostFurther) return false;
  further.insert(further.end(), more.begin(), more.end());
  return true;
}

/// `demand` is the one that the refused header answered.
Result<bool> RegistryAuthorizer::bearer_refused(const Challenge& challenge, const Demand& demand,
                                                const Scope& scope, const std::string& refused,
                                                const CallContext& context) {
  const std::string key = key_of(request_for(demand, scope));
  if (refused.empty()) return true;
  // Only now: the scope in a first challenge may be a mere example (ghcr.io says
  // "repository:user/image:pull").
  if (learn_scopes(challenge.get("scope"), scopes_of(scope))) return true;

  DAVIT_TRY(const SharedCredential credential, credentials_.find(scope.repository, context));
  if (credential != nullptr && !credential->registry_token.empty()) {
    if ("Bearer " + credential->registry_token.reveal() != refused) return true;
    return ask_sources_again(scope, credential, context);
  }
  const bool too_little = challenge.get("error") == "insufficient_scope";
  {
    MutexLock lock(mutex_);
    const auto found = tokens_.find(key);
    if (found == tokens_.end() || "Bearer " + found->second.text.reveal() != refused)
      return true;  // renewed since
    const bool first_use = found->second.uses <= 1;
    tokens_.erase(found);
    if (!too_little && !first_use) return true;
  }
  return refusal(scope, credential, true);
}

/// A password may have been changed, or a helper may have a newer one, since it was asked.
Result<bool> RegistryAuthorizer::ask_sources_again(const Scope& scope, const SharedCredential& credential,
                                                   const CallContext& context) {
  credentials_.forget(scope.repository, credential);
  DAVIT_TRY(const SharedCredential now, credentials_.find(scope.repository, context));
  const bool same = now == nullptr || (now->username == credential->username &&
                                       now->password.reveal() == credential->password.reveal() &&
                                       now->registry_token.reveal() == credential->registry_token.reveal());
  if (same) return refusal(scope, credential, false);
  return true;
}

/// The end of the road. `granted`: a token service took the credentials, the registry did not take its token.
Error RegistryAuthorizer::refusal(const Scope& scope, const SharedCredential& credential,
                                  bool granted) const {
  const std::string login = "davit login " + host_;
  if (credential == nullptr) {
    return make_error(Errc::unauthenticated,
                      host_ + " wants credentials to " + action_of(scope) + ", and there are none for it",
                      login);
  }
  const std::string user =
      credential->username.empty() ? "the stored token" : escaped(credential->username, 60);
  if (granted)
    return make_error(Errc::denied, host_ + " does not let " + user + " " + action_of(scope),
                      login + " as somebody who may");
  return make_error(Errc::unauthenticated, host_ + " does not accept the credentials of " + user, login);
}

}  // namespace

std::unique_ptr<Authorizer> make_authorizer(AuthorizerOptions options, net::Transport& transport,
                                            Clock& clock) {
  return std::make_unique<RegistryAuthorizer>(std::move(options), transport, clock);
}

}  // namespace davit::auth
