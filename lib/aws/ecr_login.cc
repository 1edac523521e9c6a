#include "aws/ecr_login.h"

#include "aws/ecr_answers.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

/// A chain that had nothing is not asked again for each request.
constexpr std::chrono::seconds kNextLook{60};

}  // namespace

EcrLogins::EcrLogins(std::string host, EcrSite site, EcrSources sources, EcrTokens& tokens, Clock& clock,
                     Log log)
    : host_(std::move(host)),
      site_(std::move(site)),
      tokens_(tokens),
      clock_(clock),
      log_(std::move(log)),
      has_chosen_(!sources.chosen.empty()),
      chosen_(host_, std::move(sources.chosen)),
      machine_(host_, std::move(sources.machine)) {}

Result<EcrLogin> EcrLogins::find(const std::string& repository, const CallContext& context) {
  if (has_chosen_) {
    DAVIT_TRY(auth::SharedCredential chosen, chosen_.find(repository, context));
    if (chosen) return EcrLogin{.from = EcrLogin::From::chosen, .credential = std::move(chosen)};
  }
  EcrLogin login;
  {
    MutexLock lock(mutex_);
    if (no_aws_ && clock_.steady() < ask_aws_at_) login.aws_error = no_aws_;
  }
  if (!login.aws_error) {
    auto token = tokens_.get(site_, context);
    if (token) return EcrLogin{.from = EcrLogin::From::aws, .token = *std::move(token)};
    const Error& error = token.error();
    if (error.code != Errc::unauthenticated && error.code != Errc::denied)
      return error.with_context("log in to " + host_);
    login.aws_error = error;
    MutexLock lock(mutex_);
    const bool first = !no_aws_;
    no_aws_ = error;
    ask_aws_at_ = clock_.steady() + kNextLook;
    if (first) {
      log_.write(LogLevel::info, "aws", "no ECR login from the AWS chain",
                 {{"registry", host_}, {"error", error.message}});
    }
  }
  DAVIT_TRY(auth::SharedCredential stored, machine_.find(repository, context));
  if (stored && !stored->password.empty()) {
    // What an old `docker login` left behind would only be refused.
    const auto end = password_end(stored->password.reveal());
    if (end && *end <= clock_.wall()) stored = nullptr;
  }
  if (stored) {
    login.from = EcrLogin::From::machine;
    login.credential = std::move(stored);
  }
  return login;
}

Result<bool> EcrLogins::has_chosen(const std::string& repository, const CallContext& context) {
  if (!has_chosen_) return false;
  DAVIT_TRY(const auth::SharedCredential chosen, chosen_.find(repository, context));
  return chosen != nullptr;
}

bool EcrLogins::refused(const std::string& repository, const EcrLogin& login, EcrTokens::Refused how) {
  if (login.from == EcrLogin::From::aws) return tokens_.refused(site_, login.token.text, how);
  if (login.from == EcrLogin::From::chosen) chosen_.forget(repository, login.credential);
  if (login.from == EcrLogin::From::machine) machine_.forget(repository, login.credential);
  return true;
}

}  // namespace davit::aws
