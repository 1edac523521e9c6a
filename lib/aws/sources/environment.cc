#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "aws/timestamps.h"
#include "base/error.h"
#include "base/try.h"

namespace davit::aws {

Found from_environment(const Inquiry& inquiry) {
  const Setup& setup = inquiry.setup;
  const std::string id = setup.variable("AWS_ACCESS_KEY_ID");
  if (id.empty()) {
    inquiry.said.emplace_back("no AWS_ACCESS_KEY_ID");
    return std::optional<Credentials>();
  }
  const std::string secret = setup.variable("AWS_SECRET_ACCESS_KEY");
  if (secret.empty())
    return make_error(Errc::unauthenticated, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  std::string token = setup.variable("AWS_SESSION_TOKEN");
  if (token.empty()) token = setup.variable("AWS_SECURITY_TOKEN");  // its old name
  DAVIT_TRY(Credentials credentials, make_credentials(id, Secret(secret), Secret(token), "environment"));
  credentials.account = setup.variable("AWS_ACCOUNT_ID");
  if (const std::string end = setup.variable("AWS_CREDENTIAL_EXPIRATION"); !end.empty()) {
    credentials.expires = parse_iso8601(end);
    if (!credentials.expires)
      return make_error(Errc::invalid_argument, "AWS_CREDENTIAL_EXPIRATION is no date");
  }
  return std::optional(std::move(credentials));
}

}  // namespace davit::aws
