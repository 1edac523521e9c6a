#include "aws/ecr_authorizer.h"

#include "auth/token_request.h"
#include "aws/denial.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

/// A token that has just come is not the reason of a refusal that does not say so.
constexpr std::chrono::minutes kFresh{5};
/// A token that replaced a refused one and is refused so soon is not replaced again.
constexpr std::chrono::minutes kRenewed{1};

std::string action_of(const auth::Scope& scope) {
  if (scope.repository.empty()) return "use it";
  return (scope.push ? "push to " : "read ") + scope.repository;
}

class EcrAuthorizer final : public auth::Authorizer {
 public:
  EcrAuthorizer(EcrAuthorizerOptions options, EcrTokens& tokens, Clock& clock, Log log)
      : host_(options.host),
        clock_(clock),
        logins_(std::move(options.host), std::move(options.site), std::move(options.sources), tokens, clock,
                std::move(log)) {}

  Result<std::string> header(const auth::Scope& scope, const CallContext& context) override {
    DAVIT_TRY(const EcrLogin login, logins_.find(scope.repository, context));
    if (login.from == EcrLogin::From::nobody) return no_login(login, scope);
    return header_of(login);
  }

  Result<bool> challenged(const std::vector<std::string>&, const auth::Scope& scope,
                          const std::string& refused, const CallContext& context) override {
    DAVIT_TRY(const EcrLogin login, logins_.find(scope.repository, context));
    if (login.from == EcrLogin::From::nobody) return no_login(login, scope);
    if (header_of(login) != refused) return true;
    if (login.from == EcrLogin::From::aws) {
      // Even a fresh one is refused for a moment under load. One renewal is enough for all who meet that;
      // the others show what there is once more, and the request's own bound makes an end of it.
      if (login.token.after_refusal && clock_.steady() - login.token.since < kRenewed) return true;
      logins_.refused(scope.repository, login, EcrTokens::Refused::guessed);
      return true;
    }
    return other_login(login, scope, refused, context);
  }

  Result<bool> rejected(const auth::Rejection& rejection, const auth::Scope& scope,
                        const std::string& refused, const CallContext& context) override {
    const Refusal kind = refusal_of(rejection.text);
    if (kind == Refusal::permission || kind == Refusal::quota) return false;
    DAVIT_TRY(const EcrLogin login, logins_.find(scope.repository, context));
    if (login.from == EcrLogin::From::nobody) return false;
    if (kind != Refusal::expired) {
      const bool may_be = rejection.status == 403 || rejection.silent || is_about_login(rejection.text);
      if (!may_be) return false;
      if (login.from != EcrLogin::From::aws) {
        // Nobody makes such a login anew. What an answer to HEAD cannot say, one to GET will.
        if (rejection.silent || header_of(login) != refused) return false;
        return not_accepted(login, rejection.text);
      }
      if (header_of(login) == refused && clock_.steady() - login.token.since < kFresh) return false;
    }
    if (header_of(login) != refused) return true;
    const bool another =
        logins_.refused(scope.repository, login,
                        kind == Refusal::expired ? EcrTokens::Refused::expired : EcrTokens::Refused::guessed);
    if (login.from == EcrLogin::From::aws) return another;
    DAVIT_TRY(const EcrLogin now, logins_.find(scope.repository, context));
    return now.from != EcrLogin::From::nobody && header_of(now) != refused;
  }

  Result<bool> has_chosen_login(const std::string& repository, const CallContext& context) override {
    return logins_.has_chosen(repository, context);
  }

 private:
  static std::string header_of(const EcrLogin& login) {
    if (login.from == EcrLogin::From::aws) return "Basic " + login.token.text.reveal();
    if (!login.credential->registry_token.empty())
      return "Bearer " + login.credential->registry_token.reveal();
    return auth::basic_header(login.credential->username, login.credential->password);
  }

  /// A helper or a file may have something newer than what was refused.
  Result<bool> other_login(const EcrLogin& login, const auth::Scope& scope, const std::string& refused,
                           const CallContext& context) {
    logins_.refused(scope.repository, login, EcrTokens::Refused::guessed);
    DAVIT_TRY(const EcrLogin now, logins_.find(scope.repository, context));
    if (now.from == EcrLogin::From::nobody || header_of(now) == refused) return not_accepted(login);
    return true;
  }

  Error no_login(const EcrLogin& login, const auth::Scope& scope) const {
    if (login.aws_error && login.aws_error->code == Errc::denied)
      return login.aws_error->with_context("log in to " + host_);
    return make_error(Errc::unauthenticated,
                      host_ + " wants credentials to " + action_of(scope) + ", and there are none for it" +
                          (login.aws_error ? ": " + login.aws_error->message : ""),
                      login.aws_error && !login.aws_error->hint.empty()
                          ? login.aws_error->hint
                          : "davit auth whoami shows where AWS credentials are looked for");
  }

  /// `said`: what the registry said about it, if anything.
  Error not_accepted(const EcrLogin& login, const std::string& said = {}) const {
    const std::string& user = login.credential->username;
    const bool given = login.from == EcrLogin::From::chosen;
    return make_error(Errc::unauthenticated,
                      host_ + " does not accept " +
                          (user.empty() ? std::string(given ? "the given token" : "the stored token")
                                        : "the credentials of " + escaped(user, 60)) +
                          (said.empty() ? "" : ": " + said),
                      login.from == EcrLogin::From::machine
                          ? "davit logout " + host_ + ", and let davit use the AWS credentials"
                          : "");
  }

  const std::string host_;
  Clock& clock_;
  EcrLogins logins_;
};

}  // namespace

std::unique_ptr<auth::Authorizer> make_ecr_authorizer(EcrAuthorizerOptions options, EcrTokens& tokens,
                                                      net::Transport& transport, Clock& clock, Log log) {
  if (options.site.host.is_public)
    return make_ecr_public_authorizer(std::move(options), tokens, transport, clock, std::move(log));
  return std::make_unique<EcrAuthorizer>(std::move(options), tokens, clock, std::move(log));
}

}  // namespace davit::aws
