#include <algorithm>
#include <array>
#include <utility>

#include "auth/docker_config.h"
#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "net/address.h"

namespace davit::aws {
namespace {

constexpr std::chrono::seconds kTimeout{2};
constexpr std::chrono::seconds kBetweenTries{1};
constexpr int kMostTries = 3;

constexpr const char* kEndpoint = "container endpoint";

/// Where plain http may go: this machine, and the agents of ECS and EKS on its link.
bool is_local(const net::Url& url) {
  constexpr std::array<std::string_view, 3> kAgents = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return url.host() == "localhost" || net::is_loopback(url.host()) ||
         std::ranges::find(kAgents, url.host()) != kAgents.end();
}

Result<net::Url> address(const Setup& setup) {
  const std::string relative = setup.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) {
    auto url = net::Url::parse("http://169.254.170.2" + std::string(relative.starts_with('/') ? "" : "/") +
                               relative);
    if (!url) return url.error().with_context("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    return url;
  }
  constexpr const char* kName = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  auto url = net::Url::parse(setup.variable(kName));
  if (!url) return url.error().with_context(kName);
  if (!url->secure() && !is_local(*url)) {
    return make_error(
        Errc::denied,
        std::string(kName) + ": credentials are not fetched from " + url->host_port() + " without TLS",
        "plain http may lead to this machine, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]");
  }
  return url;
}

/// Read anew each time: EKS replaces the file.
Result<Secret> authorization(const Setup& setup) {
  Secret token(setup.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  if (const std::string path = setup.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !path.empty()) {
    auto text = auth::read_auth_file({.path = path, .absence = auth::AuthFile::Absence::error});
    if (!text) return text.error().with_context(kEndpoint);
    std::string_view bare = *text ? std::string_view((*text)->reveal()) : std::string_view();
    while (bare.ends_with('\n') || bare.ends_with('\r')) bare.remove_suffix(1);
    token = Secret(std::string(bare));
  }
  if (!std::ranges::all_of(token.reveal(), [](char c) { return c >= ' ' && c != 0x7f; })) {
    return make_error(
        Errc::corrupt,
        std::string(kEndpoint) + ": there is a line break or control byte in its authorization token");
  }
  return token;
}

/// One try, which counts as failed after `kTimeout`.
Result<net::Response> ask(const Inquiry& inquiry, const net::Request& request) {
  CallContext limited = inquiry.context;
  const auto until = inquiry.clock.steady() + kTimeout;
  limited.deadline = limited.deadline ? std::min(*limited.deadline, until) : until;
  return inquiry.transport.exchange(request, limited);
}

}  // namespace

Found from_container(const Inquiry& inquiry) {
  const Setup& setup = inquiry.setup;
  if (setup.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() &&
      setup.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty()) {
    inquiry.said.emplace_back("no container endpoint");
    return std::optional<Credentials>();
  }
  net::Request request;
  DAVIT_TRY(request.url, address(setup));
  DAVIT_TRY(const Secret token, authorization(setup));
  request.headers.push_back({"Accept", "application/json"});
  if (!token.empty()) request.headers.push_back({"Authorization", token.reveal()});
  const std::string who = std::string(kEndpoint) + " " + request.url.host_port();
  for (int tries = 1;; ++tries) {
    const auto answer = ask(inquiry, request);
    DAVIT_TRY_VOID(check(inquiry.context));
    if (answer && answer->status == 200) {
      DAVIT_TRY(Credentials credentials, parse_metadata_answer(answer->body, kEndpoint));
      return std::optional(std::move(credentials));
    }
    const bool final =
        answer ? answer->status < 500 && answer->status != 429 : answer.error().code == Errc::denied;
    if (tries == kMostTries || final) {
      if (!answer) return answer.error().with_context(who);
      return make_error(Errc::unauthenticated, who + ": status " + std::to_string(answer->status));
    }
    DAVIT_TRY_VOID(inquiry.clock.sleep_for(kBetweenTries, inquiry.context));
  }
}

}  // namespace davit::aws
