#include <utility>

#include "auth/docker_config.h"
#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "aws/sts.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "net/address.h"

namespace davit::aws {
namespace {

/// Read anew each time: whoever put it there replaces it before it ends.
Result<Secret> read_token(const std::string& path) {
  DAVIT_TRY(const std::optional<Secret> text,
            auth::read_auth_file({.path = path, .absence = auth::AuthFile::Absence::error}));
  std::string_view token = text ? std::string_view(text->reveal()) : std::string_view();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.remove_suffix(1);
  if (token.size() < 4 || token.size() > 20'000)
    return make_error(Errc::corrupt, escaped(path) + " does not hold a web identity token");
  return Secret(std::string(token));
}

Result<Secret> ask_github(const Inquiry& inquiry, const std::string& address, const std::string& bearer) {
  constexpr const char* kWho = "ACTIONS_ID_TOKEN_REQUEST_URL";
  auto url = net::Url::parse(address);
  if (!url) return url.error().with_context(kWho);
  if (!url->secure() && url->host() != "localhost" && !net::is_loopback(url->host())) {
    return make_error(Errc::denied, std::string(kWho) + ": the job's token is not sent to " +
                                        url->host_port() + " without TLS");
  }
  Call call{.operation = "ID token of the GitHub Actions job", .request = {}, .region = {}, .service = {}};
  call.request.url = url->with_query("audience", "sts.amazonaws.com");
  call.request.headers.push_back({"Authorization", "bearer " + bearer});
  call.request.headers.push_back({"Accept", "application/json"});
  call.secrets.emplace_back(bearer);
  DAVIT_TRY(const ApiAnswer answer, inquiry.calls.send(call, nullptr, inquiry.context));
  if (answer.status != 200) {
    return make_error(Errc::unauthenticated,
                      call.operation + " at " + url->host() + ": status " + std::to_string(answer.status),
                      "the job needs `permissions: id-token: write`");
  }
  return parse_id_token(answer.body);
}

bool is_bearer(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) return false;
  }
  return !text.empty();
}

}  // namespace

Found from_web_identity(const Inquiry& inquiry, const std::string& profile, bool with_environment) {
  const Setup& setup = inquiry.setup;
  const Settings* settings = setup.files.profile(profile);
  const auto setting = [&](const char* variable, const char* key) {
    std::string value = with_environment ? setup.variable(variable) : std::string();
    return value.empty() && settings != nullptr ? settings->text(key) : value;
  };
  const std::string file = setup.expanded(setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"));
  if (file.empty()) return std::optional<Credentials>();
  RoleRequest role{.role_arn = setting("AWS_ROLE_ARN", "role_arn"),
                   .session_name = setting("AWS_ROLE_SESSION_NAME", "role_session_name")};
  if (role.role_arn.empty()) {
    return make_error(Errc::unauthenticated,
                      "there is a web identity token, but no role for it: neither AWS_ROLE_ARN nor role_arn");
  }
  if (role.session_name.empty()) role.session_name = session_name(inquiry.clock);
  auto token = read_token(file);
  if (!token) return token.error().with_context("web identity");
  DAVIT_TRY(const Endpoint endpoint, inquiry.sts());
  DAVIT_TRY(Credentials credentials, assume_role_with_web_identity(inquiry.calls, endpoint, role, *token,
                                                                   "web identity", inquiry.context));
  return std::optional(std::move(credentials));
}

Found from_github(const Inquiry& inquiry) {
  const Setup& setup = inquiry.setup;
  const std::string url = setup.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
  const std::string bearer = setup.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
  RoleRequest role{.role_arn = setup.variable("AWS_ROLE_ARN"),
                   .session_name = setup.variable("AWS_ROLE_SESSION_NAME")};
  if (role.role_arn.empty()) role.role_arn = setup.who.role_arn;
  if (url.empty() || !is_bearer(bearer) || role.role_arn.empty()) return std::optional<Credentials>();
  if (role.session_name.empty()) role.session_name = session_name(inquiry.clock);
  DAVIT_TRY(const Secret token, ask_github(inquiry, url, bearer));
  DAVIT_TRY(const Endpoint endpoint, inquiry.sts());
  DAVIT_TRY(Credentials credentials, assume_role_with_web_identity(inquiry.calls, endpoint, role, token,
                                                                   "GitHub Actions job", inquiry.context));
  return std::optional(std::move(credentials));
}

}  // namespace davit::aws
