#include "auth/login.h"

#include "auth/authorizer.h"
#include "base/error.h"
#include "base/try.h"

namespace davit::auth {
namespace {

/// Unauthorised, with the challenge answered, with a renewed token.
constexpr int kTries = 3;

Error unexpected(const LoginTarget& target, const net::Url& url, int status) {
  const bool temporary = status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
  Error error = make_error(Errc::protocol, target.host + ": status " + std::to_string(status) +
                                               " on /v2/ is not a registry's answer");
  if (temporary) {
    error = make_error(status == 429 ? Errc::rate_limited : Errc::unavailable,
                       target.host + ": status " + std::to_string(status));
    error.retryable = true;
  } else if (status == 400 || status == 401 || status == 403) {  // ECR says 400 to what is no token of it
    error = make_error(status == 403 ? Errc::denied : Errc::unauthenticated,
                       target.host + " does not accept the credentials: status " + std::to_string(status));
  }
  error.http = HttpFacts{.method = "GET", .url = url.redacted(), .status = status};
  return error;
}

}  // namespace

Result<> verify_credential(const LoginTarget& target, const Credential& credential, net::Transport& transport,
                           Clock& clock, const CallContext& context) {
  const auto authorizer = make_authorizer({.host = target.host,
                                           .origin = target.origin,
                                           .credentials = {fixed_credentials(target.host, credential)},
                                           .allowed_realms = target.allowed_realms},
                                          transport, clock);
  net::Request request{.url = target.origin.with_path("/v2/")};
  for (int tries = 1;; ++tries) {
    DAVIT_TRY(const std::string header, authorizer->header({}, context));
    request.headers.clear();
    if (!header.empty()) request.headers.push_back({"Authorization", header});
    DAVIT_TRY(const net::Response response, transport.exchange(request, context));
    if (response.status == 200 && !response.body.starts_with('<'))
      return {};  // a login page accepts everybody
    if (response.status != 401 || tries == kTries) return unexpected(target, request.url, response.status);
    DAVIT_TRY(const bool again,
              authorizer->challenged(response.headers.all("WWW-Authenticate"), {}, header, context));
    if (!again) return unexpected(target, request.url, response.status);
  }
}

}  // namespace davit::auth
