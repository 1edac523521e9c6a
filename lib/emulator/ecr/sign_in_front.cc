#include "emulator/ecr/sign_in_front.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "emulator/ecr/api_front.h"
#include "emulator/ecr/principals.h"
#include "emulator/ecr/read_body.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/seal.h"
#include "emulator/sigv4_check.h"

namespace davit::emulator {
namespace {

constexpr std::string_view kSignInTokens = "emulated sign-in tokens";

using nlohmann::json;
using std::chrono::seconds;

constexpr std::string_view kPortal = "/federation/credentials";
constexpr std::string_view kToken = "/token";
constexpr std::string_view kRegister = "/client/register";
constexpr std::string_view kDevice = "/device_authorization";
constexpr std::string_view kIdToken = "/actions/id-token";
constexpr const char* kIssuer = "https://id-tokens.davit-emulator.invalid";
constexpr const char* kAudience = "sts.amazonaws.com";
constexpr const char* kClient = "emulated-sso-client";
constexpr std::size_t kBodyLimit = 64u << 10;
constexpr seconds kQuarter{90 * 24 * 3600};
constexpr seconds kIdTokenLife{300};
constexpr seconds kJobLife{6 * 3600};

std::int64_t epoch_seconds(ShiftedClock::Time time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

std::string iso(ShiftedClock::Time time) {
  const std::time_t since = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&since, &parts);
  std::array<char, 32> out{};
  std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out.data();
}

std::string base64url(std::string_view bytes) {
  std::string out = crypto::base64_encode(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

/// A token that says what it is for and when it ends, so that nobody has to remember it.
std::string sealed(std::string_view kind, ShiftedClock::Time expires) {
  const std::string text = std::string(kind) + " " + std::to_string(epoch_seconds(expires));
  return base64url(seal(kSignInTokens, text) + text);
}

bool opens(std::string_view token, std::string_view kind, ShiftedClock::Time now) {
  const auto plain = crypto::base64_decode(token);
  if (!plain || plain->size() < kSealSize) return false;
  const std::string text = plain->substr(kSealSize);
  if (!same_secret(plain->substr(0, kSealSize), seal(kSignInTokens, text)) ||
      !text.starts_with(std::string(kind) + " ")) {
    return false;
  }
  return epoch_seconds(now) < std::stoll(text.substr(kind.size() + 1));  // sealed by us: it is a number
}

Response answer(int status, const json& body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"},
                      {"x-amzn-RequestId", "00000000-0000-4000-8000-000000000550"}},
          .body = body.dump()};
}

/// As the portal says no.
Response portal_refusal(int status, const std::string& name, const std::string& message) {
  Response response = answer(status, {{"__type", name}, {"message", message}});
  response.headers.push_back({"x-amzn-ErrorType", name});
  return response;
}

/// As the token service says no: in the words of OAuth 2.
Response oauth_refusal(int status, const std::string& name, const std::string& error,
                       const std::string& description) {
  Response response = answer(status, {{"error", error}, {"error_description", description}});
  response.headers.push_back({"x-amzn-ErrorType", name});
  return response;
}

}  // namespace

bool SignInFront::wants(const Request& request) {
  const auto paths = {kPortal, kToken, kRegister, kDevice, kIdToken};
  return std::ranges::find(paths, std::string_view(request.path)) != paths.end();
}

std::string SignInFront::fresh(std::string_view kind, seconds life) const {
  return sealed(kind, backend_.clock().now() + life);
}

std::string SignInFront::sso_cache() const {
  const auto now = backend_.clock().now();
  const seconds life(backend_.controls().modes().number("sso-life"));
  return json{{"startUrl", backend_.place().api_url + "/start"},
              {"region", backend_.place().region},
              {"accessToken", fresh("sso-access", life)},
              {"expiresAt", iso(now + life)},
              {"clientId", kClient},
              {"clientSecret", fresh("sso-client", kQuarter)},
              {"registrationExpiresAt", iso(now + kQuarter)},
              {"refreshToken", fresh("sso-refresh", kQuarter)}}
      .dump();
}

std::string SignInFront::id_token_url() const {
  return backend_.place().api_url + std::string(kIdToken) + "?api-version=2.0";
}

std::string SignInFront::id_token_request_token() const {
  return fresh("job", kJobLife);
}

Response SignInFront::handle(Request& request) {
  const bool reads = request.path == kPortal || request.path == kIdToken;
  if (request.method != (reads ? "GET" : "POST")) return {.status = 405};
  const std::string operation = request.path == kPortal    ? "GetRoleCredentials"
                                : request.path == kIdToken ? "GetIdToken"
                                : request.path == kToken   ? "CreateToken"
                                                           : "";
  const auto body = read_body(request, kBodyLimit);
  if (!body) return {.status = 413};
  Response response;
  if (const auto fault = backend_.controls().take_fault(operation)) {
    response = api_fault(*fault);
  } else {
    try {
      if (!operation.empty()) backend_.controls().admit(operation, "", "anonymous", backend_.place());
      response = request.path == kPortal     ? role_credentials(request)
                 : request.path == kIdToken  ? id_token(request)
                 : request.path == kToken    ? create_token(*body)
                 : request.path == kRegister ? register_client()
                                             : authorize_device();
    } catch (const Refusal& refusal) {
      response = refusal.name == "ThrottlingException"
                     ? portal_refusal(429, "TooManyRequestsException", refusal.message)
                     : portal_refusal(403, "ForbiddenException", refusal.message);
    }
  }
  response.operation = operation;
  return response;
}

Response SignInFront::register_client() const {
  const auto now = backend_.clock().now();
  return answer(200, {{"clientId", kClient},
                      {"clientSecret", fresh("sso-client", kQuarter)},
                      {"clientIdIssuedAt", epoch_seconds(now)},
                      {"clientSecretExpiresAt", epoch_seconds(now + kQuarter)}});
}

// Nobody has to go to that address: the code is good at once.
Response SignInFront::authorize_device() const {
  const std::string page = backend_.place().api_url + "/device";
  return answer(200, {{"deviceCode", fresh("sso-device", seconds(600))},
                      {"userCode", "EMUL-ATED"},
                      {"verificationUri", page},
                      {"verificationUriComplete", page + "?user_code=EMUL-ATED"},
                      {"expiresIn", 600},
                      {"interval", 1}});
}

Response SignInFront::create_token(const std::string& body) const {
  const auto parsed = parse_json(body, {.bytes = kBodyLimit});
  const auto now = backend_.clock().now();
  if (!parsed || !parsed->is_object()) {
    return oauth_refusal(400, "InvalidRequestException", "invalid_request", "The body is not JSON");
  }
  if (json_text(*parsed, "clientId") != kClient ||
      !opens(json_text(*parsed, "clientSecret"), "sso-client", now)) {
    return oauth_refusal(401, "InvalidClientException", "invalid_client", "Invalid client provided");
  }
  const std::string type = json_text(*parsed, "grantType");
  const bool renews = type == "refresh_token";
  if (!renews && type != "urn:ietf:params:oauth:grant-type:device_code") {
    return oauth_refusal(400, "UnsupportedGrantTypeException", "unsupported_grant_type",
                         "Unsupported grant type");
  }
  const bool good = renews ? opens(json_text(*parsed, "refreshToken"), "sso-refresh", now)
                           : opens(json_text(*parsed, "deviceCode"), "sso-device", now);
  if (!good) {
    return oauth_refusal(400, "InvalidGrantException", "invalid_grant",
                         renews ? "Invalid refresh token provided" : "Invalid device code provided");
  }
  const seconds life(backend_.controls().modes().number("sso-life"));
  return answer(200, {{"accessToken", fresh("sso-access", life)},
                      {"expiresIn", life.count()},
                      {"refreshToken", fresh("sso-refresh", kQuarter)},
                      {"tokenType", "Bearer"}});
}

Response SignInFront::role_credentials(const Request& request) {
  const auto now = backend_.clock().now();
  const auto* role = request.parameter("role_name");
  const auto* account = request.parameter("account_id");
  if (role == nullptr || account == nullptr || role->empty()) {
    return portal_refusal(400, "InvalidRequestException", "role_name and account_id are required");
  }
  if (!opens(request.header("x-amz-sso_bearer_token"), "sso-access", now)) {
    return portal_refusal(401, "UnauthorizedException", "Session token not found or invalid");
  }
  const seconds life(backend_.controls().modes().number("session-life"));
  const auto session = assume(
      "arn:" + partition_name(backend_.place().region) + ":iam::" + *account +
          ":role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_" + *role + "_0123456789abcdef",
      "emulator", std::chrono::time_point_cast<seconds>(now + life), "sso" + std::to_string(sessions_++));
  if (!session) return portal_refusal(404, "ResourceNotFoundException", "There is no such account");
  return answer(200, {{"roleCredentials",
                       {{"accessKeyId", session->key_id},
                        {"secretAccessKey", session->secret},
                        {"sessionToken", session->session_token},
                        {"expiration", epoch_seconds(session->expires) * 1000}}}});
}

Response SignInFront::id_token(const Request& request) const {
  const auto now = backend_.clock().now();
  const std::string authorization = request.header("Authorization");
  const auto space = authorization.find(' ');
  if (!same_but_case(std::string_view(authorization).substr(0, space), "bearer") ||
      space == std::string::npos || !opens(authorization.substr(space + 1), "job", now)) {
    return answer(401, {{"message", "the job's token is not accepted"}});
  }
  const auto* audience = request.parameter("audience");
  const json claims = {{"iss", kIssuer},
                       {"aud", audience == nullptr ? "https://github.com/emulator" : *audience},
                       {"sub", "repo:emulator/app:ref:refs/heads/main"},
                       {"repository", "emulator/app"},
                       {"ref", "refs/heads/main"},
                       {"iat", epoch_seconds(now)},
                       {"nbf", epoch_seconds(now)},
                       {"exp", epoch_seconds(now + kIdTokenLife)}};
  const std::string text = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(claims.dump());
  return answer(200, {{"count", 1}, {"value", text + "." + base64url(seal(kSignInTokens, text))}});
}

std::string id_token_fault(std::string_view token) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return {};
  const auto claims =
      parse_json(crypto::base64_decode(token.substr(first + 1, last - first - 1)).value_or(""));
  if (!claims || !claims->is_object() || json_text(*claims, "iss") != kIssuer) return {};
  if (!same_secret(std::string(token.substr(last + 1)),
                   base64url(seal(kSignInTokens, token.substr(0, last))))) {
    return "The ID Token provided is not a valid JWT: its signature is not the issuer's.";
  }
  return json_text(*claims, "aud") == kAudience ? "" : "Incorrect token audience";
}

}  // namespace davit::emulator
