#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

Found keys_in(const Settings* settings, const std::string& profile) {
  if (settings == nullptr || !settings->has("aws_access_key_id")) return std::optional<Credentials>();
  DAVIT_TRY(Credentials credentials,
            make_credentials(settings->text("aws_access_key_id"), settings->secret("aws_secret_access_key"),
                             settings->secret(settings->has("aws_session_token") ? "aws_session_token"
                                                                                 : "aws_security_token"),
                             "profile " + escaped(profile, 60)));
  credentials.account = settings->text("aws_account_id");
  return std::optional(std::move(credentials));
}

}  // namespace

Found from_credentials_file(const Inquiry& inquiry, const std::string& profile) {
  return keys_in(inquiry.setup.files.in_credentials(profile), profile);
}

Found from_config_file(const Inquiry& inquiry, const std::string& profile) {
  return keys_in(inquiry.setup.files.in_config(profile), profile);
}

Found from_login_session(const Inquiry& inquiry, const std::string& profile) {
  const Settings* settings = inquiry.setup.files.profile(profile);
  if (settings == nullptr || !settings->has("login_session")) return std::optional<Credentials>();
  const std::string name = escaped(profile, 60);
  return make_error(
      Errc::unsupported, "profile " + name + " is one of `aws login`, whose sessions davit cannot use",
      "let the AWS command line hand out its credentials: a profile with credential_process = aws "
      "configure export-credentials --profile " +
          name);
}

Found from_profile(const Inquiry& inquiry, const std::string& profile) {
  DAVIT_TRY(auto found, from_web_identity(inquiry, profile, false));
  for (const auto& place :
       {from_sso, from_credentials_file, from_login_session, from_process, from_config_file}) {
    if (found) return found;
    DAVIT_TRY(found, place(inquiry, profile));
  }
  return found;
}

}  // namespace davit::aws
