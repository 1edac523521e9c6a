#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/credential_answers.h"
#include "aws/sources.h"
#include "base/ascii.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

using std::chrono::milliseconds;

constexpr const char* kMetadata = "instance metadata";
constexpr const char* kRoles = "/latest/meta-data/iam/security-credentials/";

/// How to ask, by the settings.
struct Manners {
  net::Url base;
  milliseconds timeout{1'000};
  int tries = 1;
  bool without_token = true;  ///< whether the old way will do when there is no token
};

/// A number of at least 1; else `usual`.
int number_of(const std::string& text, int most, int usual) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool fine = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && value >= 1;
  return fine ? std::min(value, most) : usual;
}

Result<Manners> manners_of(const Setup& setup) {
  std::string address = setup.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (address.empty()) {
    std::string mode =
        setup.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    std::ranges::transform(mode, mode.begin(),
                           [](char c) { return c == 'I' || c == 'P' || c == 'V' ? c + 32 : c; });
    address = mode == "ipv6" ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/";
  }
  Manners manners;
  auto base = net::Url::parse(address);
  if (!base) return base.error().with_context("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  manners.base = *std::move(base);
  const std::string seconds = setup.setting("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
  manners.timeout = std::chrono::seconds(number_of(seconds, 60, 1));
  const std::string tries =
      setup.setting("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts");
  manners.tries = number_of(tries, 10, 1);
  manners.without_token = !setup.is_on("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
  return manners;
}

/// A conversation with the metadata service. Its errors are for the message only: the chain goes on.
class Metadata {
 public:
  Metadata(const Inquiry& inquiry, Manners manners)
      : inquiry_(inquiry), manners_(std::move(manners)), patience_(manners_.timeout) {}

  /// Gets a token, or finds that it works without one.
  Result<> open() {
    net::Request request{.method = "PUT", .url = manners_.base.with_path("/latest/api/token")};
    request.headers.push_back({"X-aws-ec2-metadata-token-ttl-seconds", "21600"});
    request.answer_limit = 4096;
    // Where nothing answers at all, the token and the try without one share the time.
    patience_ = manners_.without_token ? manners_.timeout * 3 / 4 : manners_.timeout;
    const auto answer = exchange(request);
    patience_ = manners_.timeout;
    if (!answer) {
      // In a container the answer may die on its way (a hop limit of 1), which looks like this.
      if (answer.error().code != Errc::timeout || !manners_.without_token) return answer.error();
      patience_ = manners_.timeout / 4;
      return {};
    }
    if (answer->status == 200) {
      const bool fits = !answer->body.empty() &&
                        std::ranges::all_of(answer->body, [](char c) { return c > ' ' && c < 0x7f; });
      if (!fits) return make_error(Errc::protocol, std::string(kMetadata) + " gave a token that is none");
      token_ = Secret(answer->body);
      return {};
    }
    const bool old = answer->status == 403 || answer->status == 404 || answer->status == 405;
    if (old && manners_.without_token) return {};
    return make_error(Errc::protocol, std::string(kMetadata) + " gave no token (status " +
                                          std::to_string(answer->status) + ")");
  }

  /// Empty when there is no such thing.
  Result<std::optional<std::string>> get(const std::string& path) {
    net::Request request{.url = manners_.base.with_path(path)};
    if (!token_.empty()) request.headers.push_back({"X-aws-ec2-metadata-token", token_.reveal()});
    request.answer_limit = 64u << 10;
    DAVIT_TRY(net::Response answer, exchange(request));
    patience_ = manners_.timeout;
    if (answer.status == 404) return std::optional<std::string>();
    if (answer.status != 200)
      return make_error(Errc::protocol,
                        std::string(kMetadata) + " answered with status " + std::to_string(answer.status));
    return std::optional(std::move(answer.body));
  }

 private:
  Result<net::Response> exchange(const net::Request& request) {
    for (int tries = 1;; ++tries) {
      CallContext limited = inquiry_.context;
      const auto until = inquiry_.clock.steady() + patience_;
      limited.deadline = limited.deadline ? std::min(*limited.deadline, until) : until;
      auto answer = inquiry_.transport.exchange(request, limited);
      if (tries == manners_.tries || (answer && answer->status < 500) || !check(inquiry_.context)) {
        if (answer) return answer;
        const Errc code = answer.error().code == Errc::timeout ? Errc::timeout : Errc::unavailable;
        return make_error(code, std::string(kMetadata) + " did not answer");
      }
    }
  }

  const Inquiry& inquiry_;
  const Manners manners_;
  milliseconds patience_;
  Secret token_;
};

bool is_role_name(std::string_view name) {
  const auto fits = [](char c) {
    return is_alnum(c) || std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 128 && name != "." && name != ".." &&
         std::ranges::all_of(name, fits);
}

Result<Credentials> ask(const Inquiry& inquiry) {
  DAVIT_TRY(Manners manners, manners_of(inquiry.setup));
  Metadata metadata(inquiry, std::move(manners));
  DAVIT_TRY_VOID(metadata.open());
  DAVIT_TRY(const auto roles, metadata.get(kRoles));
  const std::string role = roles ? roles->substr(0, roles->find_first_of("\r\n")) : std::string();
  if (!is_role_name(role))
    return make_error(Errc::unauthenticated, std::string(kMetadata) + " knows no role");
  DAVIT_TRY(const auto text, metadata.get(kRoles + role));
  if (!text) return make_error(Errc::unauthenticated, std::string(kMetadata) + " knows no role");
  DAVIT_TRY(Credentials credentials, parse_metadata_answer(*text, kMetadata));
  credentials.may_be_stale = true;
  return credentials;
}

bool is_off(const Inquiry& inquiry) {
  return inquiry.setup.is_on("AWS_EC2_METADATA_DISABLED", {});
}

}  // namespace

Found from_instance(const Inquiry& inquiry) {
  if (is_off(inquiry)) {
    inquiry.said.emplace_back("instance metadata is switched off");
    return std::optional<Credentials>();
  }
  auto found = ask(inquiry);
  DAVIT_TRY_VOID(check(inquiry.context));
  if (found) return std::optional(*std::move(found));
  if (found.error().code == Errc::invalid_argument) return std::move(found).error();
  inquiry.said.push_back(found.error().message);
  return std::optional<Credentials>();
}

std::string instance_region(const Inquiry& inquiry) {
  if (is_off(inquiry)) return {};
  auto manners = manners_of(inquiry.setup);
  if (!manners) return {};
  Metadata metadata(inquiry, *std::move(manners));
  if (!metadata.open()) return {};
  const auto region = metadata.get("/latest/meta-data/placement/region");
  if (!region) return {};
  if (*region) return is_region(**region) ? **region : std::string();
  const auto zone = metadata.get("/latest/meta-data/placement/availability-zone");
  if (!zone || !*zone || (*zone)->size() < 2) return {};
  const std::string name = (*zone)->substr(0, (*zone)->size() - 1);
  return is_region(name) ? name : std::string();
}

}  // namespace davit::aws
