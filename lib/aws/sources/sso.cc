#include <utility>

#include "auth/docker_config.h"
#include "auth/secret_file.h"
#include "aws/api.h"
#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "crypto/sha1.h"

namespace davit::aws {
namespace {

using std::chrono::minutes;

/// A token with less than this left is replaced when it can be.
constexpr minutes kRenewBefore{15};

/// What a profile says about its SSO.
struct SsoProfile {
  std::string name;  ///< of the profile
  std::string account;
  std::string role;
  std::string region;
  std::string cache_key;  ///< the session's name, or the start URL of the old kind
  bool renewable = false;
};

Error log_in_again(const SsoProfile& profile, const std::string& why) {
  return make_error(Errc::unauthenticated, "profile " + escaped(profile.name, 60) + ": " + why,
                    "aws sso login --profile " + escaped(profile.name, 60));
}

Result<SsoProfile> read_profile(const Setup& setup, const Settings& settings, const std::string& name) {
  SsoProfile profile{.name = name,
                     .account = settings.text("sso_account_id"),
                     .role = settings.text("sso_role_name"),
                     .region = settings.text("sso_region"),
                     .cache_key = settings.text("sso_start_url")};
  const auto incomplete = [&](const std::string& what) {
    return make_error(Errc::invalid_argument, "profile " + escaped(name, 60) + ": " + what);
  };
  if (profile.account.empty() || profile.role.empty())
    return incomplete("SSO needs both sso_account_id and sso_role_name");
  if (const std::string session = settings.text("sso_session"); !session.empty()) {
    const Settings* found = setup.files.sso_session(session);
    if (found == nullptr) return incomplete("its sso_session " + escaped(session, 60) + " does not exist");
    profile.region = found->text("sso_region");
    profile.cache_key = session;
    profile.renewable = true;
    if (found->text("sso_start_url").empty())
      return incomplete("its sso_session " + escaped(session, 60) + " has no sso_start_url");
  }
  if (profile.region.empty() || profile.cache_key.empty())
    return incomplete("SSO needs sso_session, or sso_start_url and sso_region");
  return profile;
}

/// The token cache's file of one profile.
class TokenFile {
 public:
  TokenFile(const Inquiry& inquiry, const SsoProfile& profile)
      : inquiry_(inquiry),
        profile_(profile),
        path_(inquiry.setup.at_home(".aws/sso/cache/" + crypto::sha1_hex(profile.cache_key) + ".json")) {}

  Result<Secret> access_token() {
    DAVIT_TRY(const Secret text, read());
    auto token = parse_sso_token(text.reveal());
    if (!token) return log_in_again(profile_, "its SSO token cannot be read");
    if (token->expires - inquiry_.clock.wall() >= kRenewBefore) return token->access_token;
    if (can_renew(*token)) {
      auto renewed = renew();
      // The old one is good for some minutes yet.
      if (renewed || token->expires <= inquiry_.clock.wall()) return renewed;
      if (renewed.error().code == Errc::cancelled) return renewed;
    }
    if (token->expires > inquiry_.clock.wall()) return token->access_token;
    return log_in_again(profile_, "its SSO session has ended");
  }

 private:
  [[nodiscard]] Result<Secret> read() const {
    if (path_.empty()) return log_in_again(profile_, "SSO tokens are kept below HOME, which is not set");
    DAVIT_TRY(const std::optional<Secret> text, auth::read_auth_file({.path = path_}));
    if (!text) return log_in_again(profile_, "there is no SSO token for it");
    return *text;
  }

  [[nodiscard]] bool can_renew(const SsoToken& token) const {
    return profile_.renewable && !token.refresh_token.empty() && !token.client_id.empty() &&
           !token.client_secret.empty() &&
           (!token.registration_expires || *token.registration_expires > inquiry_.clock.wall());
  }

  /// Under a lock, so that of several davits only one uses up the refresh token.
  Result<Secret> renew() {
    DAVIT_TRY(const auth::SecretFile file, auth::SecretFile::lock(path_, inquiry_.context));
    DAVIT_TRY(const Secret text, read());
    DAVIT_TRY(SsoToken token, parse_sso_token(text.reveal()));
    if (token.expires - inquiry_.clock.wall() >= kRenewBefore) return token.access_token;
    DAVIT_TRY(const SsoRenewal renewal, ask(token));
    token.access_token = renewal.access_token;
    token.expires = inquiry_.clock.wall() + renewal.lifetime;
    token.refresh_token = renewal.refresh_token;
    const Secret replaced(renewed_sso_token(text.reveal(), token));
    DAVIT_TRY_VOID(file.replace(replaced.reveal()));
    return token.access_token;
  }

  Result<SsoRenewal> ask(const SsoToken& token) {
    DAVIT_TRY(const Endpoint endpoint, inquiry_.setup.endpoint(Service::sso_oidc, profile_.region, {}));
    Call call{.operation = "CreateToken", .request = {}, .region = {}, .service = {}};
    call.request.method = "POST";
    call.request.url = endpoint.url.with_path("/token");
    call.request.headers.push_back({"Content-Type", "application/json"});
    call.request.body = sso_renewal_request(token);
    call.secrets = {token.client_secret, token.refresh_token, token.access_token};
    DAVIT_TRY(const ApiAnswer answer, inquiry_.calls.send(call, nullptr, inquiry_.context));
    if (answer.status == 400 || answer.status == 401)
      return log_in_again(profile_, "its SSO session has ended: " + parse_failure(answer).code);
    if (answer.status != 200) return refusal(call.operation, call.request.url, answer);
    return parse_sso_renewal(answer.body);
  }

  const Inquiry& inquiry_;
  const SsoProfile& profile_;
  const std::string path_;
};

Result<Credentials> role_credentials(const Inquiry& inquiry, const SsoProfile& profile, const Secret& token) {
  const std::string source = "profile " + escaped(profile.name, 60) + " (SSO)";
  DAVIT_TRY(const Endpoint endpoint, inquiry.setup.endpoint(Service::sso, profile.region, {}));
  Call call{.operation = "GetRoleCredentials", .request = {}, .region = {}, .service = {}};
  call.request.url = endpoint.url.with_path("/federation/credentials")
                         .with_query("role_name", net::percent_encode(profile.role))
                         .with_query("account_id", net::percent_encode(profile.account));
  call.request.headers.push_back({"x-amz-sso_bearer_token", token.reveal()});
  call.secrets.push_back(token);
  auto answer = inquiry.calls.send(call, nullptr, inquiry.context);
  if (!answer) return answer.error().with_context(source);
  if (answer->status == 401) return log_in_again(profile, "its SSO session has ended");
  if (answer->status != 200) return refusal(call.operation, call.request.url, *answer).with_context(source);
  DAVIT_TRY(Credentials credentials, parse_sso_answer(answer->body, source));
  credentials.account = profile.account;
  return credentials;
}

}  // namespace

Found from_sso(const Inquiry& inquiry, const std::string& name) {
  const Settings* settings = inquiry.setup.files.profile(name);
  if (settings == nullptr || (!settings->has("sso_account_id") && !settings->has("sso_role_name")))
    return std::optional<Credentials>();
  DAVIT_TRY(const SsoProfile profile, read_profile(inquiry.setup, *settings, name));
  TokenFile file(inquiry, profile);
  DAVIT_TRY(const Secret token, file.access_token());
  DAVIT_TRY(Credentials credentials, role_credentials(inquiry, profile, token));
  return std::optional(std::move(credentials));
}

}  // namespace davit::aws
