// The public gallery: Bearer tokens, with a login where there is one, and without where it fails.

#include <algorithm>
#include <utility>

#include "auth/challenge.h"
#include "auth/realm.h"
#include "auth/token_request.h"
#include "aws/denial.h"
#include "aws/ecr_authorizer.h"
#include "base/error.h"
#include "base/try.h"
#include "crypto/base64.h"

namespace davit::aws {
namespace {

/// Where neither the answer nor the token says how long it lasts.
constexpr std::chrono::minutes kAssumedLife{10};
/// A token refused so soon was not too old.
constexpr std::chrono::minutes kJustFetched{1};
/// How long readers go without a login that failed.
constexpr std::chrono::minutes kWithoutLogin{10};

/// One service under two names.
const std::vector<std::string> kOwnRealms = {"public.ecr.aws", "ecr-public.aws.com"};

class PublicAuthorizer final : public auth::Authorizer {
 public:
  PublicAuthorizer(EcrAuthorizerOptions options, EcrTokens& tokens, net::Transport& transport, Clock& clock,
                   Log log)
      : host_(options.host),
        origin_(std::move(options.origin)),
        allowed_realms_(std::move(options.allowed_realms)),
        transport_(transport),
        clock_(clock),
        log_(log),
        logins_(std::move(options.host), std::move(options.site), std::move(options.sources), tokens, clock,
                std::move(log)) {
    const bool own = std::ranges::find(kOwnRealms, origin_.host()) != kOwnRealms.end();
    if (own) allowed_realms_.insert(allowed_realms_.end(), kOwnRealms.begin(), kOwnRealms.end());
  }

  Result<std::string> header(const auth::Scope& scope, const CallContext& context) override {
    {
      MutexLock lock(mutex_);
      if (demand_.service.empty()) return std::string();
      if (token_ && !(scope.push && !token_->named) && clock_.steady() < token_->renew_at)
        return "Bearer " + token_->text.reveal();
    }
    return fetches_.run(
        scope.push ? "push" : "pull", [&] { return fetch(scope, context); }, context);
  }

  Result<bool> challenged(const std::vector<std::string>& www_authenticate, const auth::Scope& scope,
                          const std::string& refused, const CallContext&) override {
    const auto challenge = auth::choose_challenge(auth::parse_challenges(www_authenticate));
    if (!challenge) return false;
    if (challenge->scheme != "bearer")
      return make_error(Errc::unauthenticated,
                        host_ + " asks for a login that the public gallery does not use");
    DAVIT_TRY(auth::Realm realm, auth::judge_realm(origin_, challenge->get("realm"), allowed_realms_));
    {
      MutexLock lock(mutex_);
      demand_.realm = std::move(realm);
      demand_.service = challenge->get("service").empty() ? host_ : std::string(challenge->get("service"));
      demand_.scope = challenge->get("scope").empty() ? "aws" : std::string(challenge->get("scope"));
      if (refused.empty()) return true;
    }
    if (!replace(refused, scope)) once_more(refused);
    return true;
  }

  Result<bool> rejected(const auth::Rejection& rejection, const auth::Scope& scope,
                        const std::string& refused, const CallContext&) override {
    const Refusal kind = refusal_of(rejection.text);
    if (kind == Refusal::permission || kind == Refusal::quota) return false;
    if (kind == Refusal::unknown && (rejection.silent || !is_about_login(rejection.text))) return false;
    return replace(refused, scope);
  }

  Result<bool> has_chosen_login(const std::string& repository, const CallContext& context) override {
    return logins_.has_chosen(repository, context);
  }

 private:
  struct Demand {
    auth::Realm realm;
    std::string service;  // empty: nobody has asked yet
    std::string scope;
  };
  struct Token {
    Secret text;
    bool named = false;          // somebody's, not nobody's
    bool after_refusal = false;  // it replaces a fresh one that was refused
    Clock::Steady since;
    Clock::Steady renew_at;
    Clock::Steady expires_at;
  };

  /// Whether there is something else to show than `refused`.
  bool replace(const std::string& refused, const auth::Scope& scope) {
    MutexLock lock(mutex_);
    if (!token_ || "Bearer " + token_->text.reveal() != refused) return true;
    const bool fresh = clock_.steady() - token_->since < kJustFetched;
    const bool named = token_->named;
    if (fresh && (!named || scope.push)) return false;
    token_.reset();
    if (fresh) go_on_as_nobody("its token is refused");
    return true;
  }

  /// Even a fresh one is refused for a moment under load. One renewal is enough for all who meet that; the
  /// others show what there is once more, and the request's own bound makes an end of it.
  void once_more(const std::string& refused) {
    MutexLock lock(mutex_);
    if (!token_ || "Bearer " + token_->text.reveal() != refused || token_->after_refusal) return;
    token_.reset();
    fresh_refused_ = true;
  }

  void go_on_as_nobody(const std::string& why) DAVIT_REQUIRES(mutex_) {
    login_again_at_ = clock_.steady() + kWithoutLogin;
    log_.write(LogLevel::warning, "aws", "reading without the login, which is not accepted",
               {{"registry", host_}, {"reason", why}});
  }

  Result<std::string> fetch(const auth::Scope& scope, const CallContext& context) {
    Demand demand;
    bool as_nobody = false;
    std::optional<Token> old;
    {
      MutexLock lock(mutex_);
      if (token_ && !(scope.push && !token_->named) && clock_.steady() < token_->renew_at)
        return "Bearer " + token_->text.reveal();
      demand = demand_;
      as_nobody = !scope.push && clock_.steady() < login_again_at_;
      old = token_;
    }
    auto token = as_nobody ? get(demand, nullptr, context) : log_in(demand, scope, context);
    if (!token) {
      // A token service that is down takes nothing away yet.
      if (old && !(scope.push && !old->named) && clock_.steady() < old->expires_at)
        return "Bearer " + old->text.reveal();
      return token.error();
    }
    MutexLock lock(mutex_);
    token_ = *std::move(token);
    token_->after_refusal = std::exchange(fresh_refused_, false);
    return "Bearer " + token_->text.reveal();
  }

  Result<Token> log_in(const Demand& demand, const auth::Scope& scope, const CallContext& context) {
    for (int tries = 0;; ++tries) {
      auto login = logins_.find(scope.repository, context);
      if (!login) {
        if (scope.push || login.error().code == Errc::cancelled || login.error().code == Errc::timeout)
          return login.error();
        MutexLock lock(mutex_);
        go_on_as_nobody(login.error().message);
        break;
      }
      if (login->from == EcrLogin::From::nobody) {
        if (!scope.push) break;
        if (login->aws_error && login->aws_error->code == Errc::denied)
          return login->aws_error->with_context("log in to " + host_);
        return make_error(Errc::unauthenticated,
                          host_ + " wants credentials to push to " + scope.repository +
                              ", and there are none for it" +
                              (login->aws_error ? ": " + login->aws_error->message : ""));
      }
      DAVIT_TRY(const auth::SharedCredential credential, credential_of(*login));
      if (!credential->registry_token.empty())
        return token_of(credential->registry_token, std::chrono::hours(1), true);
      if (!demand.realm.trusted)
        return make_error(Errc::denied,
                          "registry " + host_ + " wants the credentials sent to " +
                              demand.realm.url.host_port() + ", which is not known to belong to it",
                          "if it does: --allow-realm " + demand.realm.url.host_port());
      auto token = get(demand, credential.get(), context);
      if (token || (token.error().code != Errc::unauthenticated && token.error().code != Errc::denied))
        return token;
      // It may have been an old one.
      logins_.refused(scope.repository, *login, EcrTokens::Refused::guessed);
      if (tries == 0 && login->from == EcrLogin::From::aws) continue;
      if (scope.push) return token;
      MutexLock lock(mutex_);
      go_on_as_nobody(token.error().message);
      break;
    }
    return get(demand, nullptr, context);
  }

  static Result<auth::SharedCredential> credential_of(const EcrLogin& login) {
    if (login.from != EcrLogin::From::aws) return login.credential;
    DAVIT_TRY(const std::string plain, crypto::base64_decode(login.token.text.reveal()));
    const auto colon = plain.find(':');
    if (colon == std::string::npos) return make_error(Errc::protocol, "an ECR token without a user name");
    return auth::SharedCredential(std::make_shared<Credential>(
        Credential{.username = plain.substr(0, colon), .password = Secret(plain.substr(colon + 1))}));
  }

  Result<Token> get(const Demand& demand, const Credential* credential, const CallContext& context) {
    const auth::TokenRequest request{
        .host = host_, .realm = demand.realm, .service = demand.service, .scopes = {demand.scope}};
    DAVIT_TRY(const auth::TokenAnswer answer, auth::request_token(transport_, request, credential, context));
    std::chrono::seconds life = kAssumedLife;
    if (answer.lifetime_stated) {
      life = answer.lifetime;
    } else if (const auto end = password_end(answer.token.reveal())) {
      life = std::clamp<std::chrono::seconds>(
          std::chrono::duration_cast<std::chrono::seconds>(*end - clock_.wall()), std::chrono::minutes(1),
          std::chrono::hours(12));
    }
    return token_of(answer.token, life, credential != nullptr);
  }

  Token token_of(const Secret& text, std::chrono::seconds life, bool named) const {
    const Clock::Steady now = clock_.steady();
    return {.text = text,
            .named = named,
            .since = now,
            .renew_at = now + life - std::min<std::chrono::seconds>(std::chrono::minutes(1), life / 4),
            .expires_at = now + life};
  }

  const std::string host_;
  const net::Url origin_;
  std::vector<std::string> allowed_realms_;
  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  EcrLogins logins_;
  auth::SharedCalls<std::string> fetches_;
  Mutex mutex_;
  Demand demand_ DAVIT_GUARDED_BY(mutex_);
  std::optional<Token> token_ DAVIT_GUARDED_BY(mutex_);
  bool fresh_refused_ DAVIT_GUARDED_BY(mutex_) = false;
  Clock::Steady login_again_at_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<auth::Authorizer> make_ecr_public_authorizer(EcrAuthorizerOptions options, EcrTokens& tokens,
                                                             net::Transport& transport, Clock& clock,
                                                             Log log) {
  return std::make_unique<PublicAuthorizer>(std::move(options), tokens, transport, clock, std::move(log));
}

}  // namespace davit::aws
