#include "auth/token_request.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "crypto/base64.h"

namespace davit::auth {
namespace {

constexpr std::array kRetryable{408, 429, 499, 500, 502, 503, 504, 522};

net::Request common(const TokenRequest& request) {
  net::Request out{.url = request.realm.url, .peers = request.realm.peers};
  out.headers.push_back({"Accept", "application/json"});
  return out;
}

/// The distribution specification's token request.
net::Request by_get(const TokenRequest& request, const std::string& username, const Secret* password) {
  net::Request out = common(request);
  if (!username.empty()) out.url = out.url.with_query("account", net::percent_encode(username));
  if (!request.service.empty()) out.url = out.url.with_query("service", net::percent_encode(request.service));
  for (const std::string& scope : request.scopes)
    out.url = out.url.with_query("scope", net::percent_encode(scope));
  if (password != nullptr) out.headers.push_back({"Authorization", basic_header(username, *password)});
  return out;
}

/// The OAuth form of it (RFC 6749, section 6).
net::Request by_post(const TokenRequest& request, const Secret& refresh_token) {
  net::Request out = common(request);
  out.method = "POST";
  out.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  std::string scopes;
  for (const std::string& scope : request.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  out.body = "grant_type=refresh_token&client_id=davit&service=" + net::percent_encode(request.service) +
             "&scope=" + net::percent_encode(scopes) +
             "&refresh_token=" + net::percent_encode(refresh_token.reveal());
  return out;
}

Result<net::Response> ask(net::Transport& transport, const net::Request& sent, const TokenRequest& request,
                          const CallContext& context) {
  auto response = transport.exchange(sent, context);
  if (!response) return response.error().with_context("token for " + request.host);
  return response;
}

/// A page that some proxy or login form sent instead. Shown only when none of what we sent comes back in it.
std::string excerpt(const std::string& body, const Credential* credential) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || body[start] != '<') return {};
  if (credential != nullptr) {
    for (const Secret* secret : {&credential->password, &credential->identity_token}) {
      if (secret->empty()) continue;
      const std::string basic = basic_header(credential->username, *secret).substr(6);
      for (const std::string& form : {secret->reveal(), net::percent_encode(secret->reveal()), basic}) {
        if (body.find(form) != std::string::npos) return {};
      }
    }
  }
  return ": " + escaped(std::string_view(body).substr(start), 120);
}

Error status_error(const TokenRequest& request, const net::Response& response, const std::string& method,
                   const Credential* credential) {
  const std::string service = "token service " + request.realm.url.host_port() + " of " + request.host;
  const std::string status = std::to_string(response.status);
  const std::string who = credential == nullptr ? "a request without credentials"
                          : credential->username.empty()
                              ? "the stored identity token"
                              : "the credentials of " + escaped(credential->username, 60);
  Error error = make_error(Errc::protocol, service + ": status " + status + " is not a token answer");
  if (std::ranges::find(kRetryable, response.status) != kRetryable.end()) {
    error = make_error(response.status == 429 ? Errc::rate_limited : Errc::unavailable,
                       service + ": status " + status);
    error.retryable = true;
  } else if (response.status == 400 || response.status == 401) {
    error = make_error(Errc::unauthenticated, service + " does not accept " + who + ": status " + status,
                       "davit login " + request.host);
  } else if (response.status == 403) {
    error =
        make_error(Errc::denied, service + " denies " + who + ": status 403", "davit login " + request.host);
  }
  error.http = HttpFacts{.method = method, .url = request.realm.url.redacted(), .status = response.status};
  return error;
}

Result<TokenAnswer> read_answer(const TokenRequest& request, const net::Request& sent,
                                const net::Response& response, const Credential* credential) {
  if (response.status < 200 || response.status > 299)
    return status_error(request, response, sent.method, credential);
  auto answer = parse_token_answer(response.body);
  if (answer) return answer;
  Error error =
      answer.error().with_context("token service " + request.realm.url.redacted() + " of " + request.host);
  error.message += excerpt(response.body, credential);
  error.http =
      HttpFacts{.method = sent.method, .url = request.realm.url.redacted(), .status = response.status};
  return error;
}

}  // namespace

std::string basic_header(const std::string& username, const Secret& password) {
  return "Basic " + crypto::base64_encode(username + ":" + password.reveal());
}

Result<TokenAnswer> request_token(net::Transport& transport, const TokenRequest& request,
                                  const Credential* credential, const CallContext& context) {
  const bool identity = credential != nullptr && !credential->identity_token.empty();
  const Secret* password =
      credential != nullptr && !credential->password.empty() ? &credential->password : nullptr;
  if (identity) {
    const net::Request sent = by_post(request, credential->identity_token);
    DAVIT_TRY(const net::Response response, ask(transport, sent, request, context));
    const bool knows_post = response.status != 404 && response.status != 405 && response.status != 501;
    if (knows_post) return read_answer(request, sent, response, credential);
    if (password == nullptr)
      password = &credential->identity_token;  // services without OAuth take it as a password
  }
  const net::Request sent =
      by_get(request, credential == nullptr ? std::string() : credential->username, password);
  DAVIT_TRY(const net::Response response, ask(transport, sent, request, context));
  return read_answer(request, sent, response, password == nullptr ? nullptr : credential);
}

}  // namespace davit::auth
