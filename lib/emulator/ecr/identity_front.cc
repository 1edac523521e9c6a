#include "emulator/ecr/identity_front.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/base64.h"
#include "emulator/ecr/api_front.h"
#include "emulator/ecr/read_body.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/sign_in_front.h"
#include "emulator/ecr/signature_gate.h"

namespace davit::emulator {
namespace {

using std::chrono::seconds;
using Form = std::map<std::string, std::string>;

constexpr std::string_view kInstance = "/latest/";
constexpr std::string_view kContainer = "/v2/credentials";
constexpr std::string_view kKeysPath = "/latest/meta-data/iam/security-credentials/";
constexpr const char* kRoleName = "emulator-role";
constexpr const char* kInstanceToken = "AQAEAEmulatedInstanceMetadataToken==";
constexpr const char* kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr std::size_t kFormLimit = 256u << 10;

Response text(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
}

std::string iso_time(ShiftedClock::Time time) {
  const std::time_t seconds_since = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds_since, &parts);
  std::array<char, 32> out{};
  std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out.data();
}

Form parse_form(std::string_view body) {
  Form out;
  while (!body.empty()) {
    const auto part = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), part.size() + 1));
    const auto equals = part.find('=');
    std::string value(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    std::ranges::replace(value, '+', ' ');
    out[percent_decoded(part.substr(0, equals))] = percent_decoded(value);
  }
  return out;
}

std::string field(const Form& form, const std::string& name) {
  const auto found = form.find(name);
  return found == form.end() ? "" : found->second;
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string element(const std::string& name, std::string_view text) {
  return "<" + name + ">" + xml_text(text) + "</" + name + ">";
}

Response xml(int status, std::string body, std::string operation) {
  return {
      .status = status,
      .headers = {{"Content-Type", "text/xml"}, {"x-amzn-RequestId", "00000000-0000-4000-8000-000000000575"}},
      .body = std::move(body),
      .operation = std::move(operation)};
}

Response success(const std::string& action, const std::string& result) {
  return xml(200,
             "<" + action + "Response xmlns=\"" + kNamespace + "\"><" + action + "Result>" + result + "</" +
                 action +
                 "Result><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000575</RequestId></"
                 "ResponseMetadata></" +
                 action + "Response>",
             action);
}

Response sts_error(int status, const std::string& code, const std::string& message,
                   const std::string& action) {
  return xml(status,
             "<ErrorResponse xmlns=\"" + std::string(kNamespace) + "\"><Error><Type>Sender</Type>" +
                 element("Code", code) + element("Message", message) +
                 "</Error><RequestId>00000000-0000-4000-8000-000000000575</RequestId></ErrorResponse>",
             action);
}

Response sts_refused(const Refusal& refusal, const std::string& action) {
  // STS writes some of the names in its own way.
  struct Name {
    std::string_view ours;
    const char* theirs;
    int status;
  };
  constexpr std::array kNames{Name{"UnrecognizedClientException", "InvalidClientTokenId", 403},
                              Name{"InvalidSignatureException", "SignatureDoesNotMatch", 403},
                              Name{"ExpiredTokenException", "ExpiredToken", 403},
                              Name{"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403},
                              Name{"IncompleteSignatureException", "IncompleteSignature", 400},
                              Name{"AccessDeniedException", "AccessDenied", 403},
                              Name{"ThrottlingException", "Throttling", 400}};
  const auto known = std::ranges::find(kNames, refusal.name, &Name::ours);
  if (known == kNames.end()) return sts_error(400, refusal.name, refusal.message, action);
  return sts_error(known->status, known->theirs, refusal.message, action);
}

/// Whether a web identity token is a JWT that says it has ended.
bool has_ended(const std::string& token, ShiftedClock::Time now) {
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) return false;
  const auto claims = crypto::base64_decode(token.substr(first + 1, second - first - 1));
  const auto parsed = parse_json(claims.value_or(""));
  if (!parsed || !parsed->is_object() || !parsed->contains("exp") || !(*parsed)["exp"].is_number())
    return false;
  return epoch(now) >= (*parsed)["exp"].get<double>();
}

}  // namespace

bool IdentityFront::is_metadata(const Request& request) {
  return request.path.starts_with(kInstance) || request.path.starts_with(kContainer);
}

bool IdentityFront::is_sts(const Request& request) {
  return request.header("X-Amz-Target").empty() &&
         (request.parameter("Action") != nullptr ||
          request.header("Content-Type").starts_with("application/x-www-form-urlencoded"));
}

Principal IdentityFront::session(const std::string& role, const std::string& name, seconds life) {
  const auto until = std::chrono::time_point_cast<seconds>(backend_.clock().now() + life);
  auto made = assume(role, name, until, std::to_string(sessions_++));
  if (!made) throw Refusal{"ValidationError", role + " is invalid"};
  return *made;
}

std::string IdentityFront::keys_json(const Principal& principal, bool as_instance) const {
  nlohmann::json out = {{"AccessKeyId", principal.key_id},
                        {"SecretAccessKey", principal.secret},
                        {"Token", principal.session_token},
                        {"Expiration", iso_time(principal.expires)}};
  if (as_instance) {
    out["Code"] = "Success";
    out["Type"] = "AWS-HMAC";
    out["LastUpdated"] = iso_time(backend_.clock().now());
  } else {
    out["RoleArn"] = principal.arn;
  }
  return out.dump();
}

Response IdentityFront::metadata(const Request& request) {
  const Place& place = backend_.place();
  const Modes modes = backend_.controls().modes();
  if (const auto fault = backend_.controls().take_fault("Metadata")) return api_fault(*fault);
  const std::string role =
      "arn:" + partition_name(place.region) + ":iam::" + place.account + ":role/" + kRoleName;
  const seconds life(modes.number("session-life"));
  if (request.path.starts_with(kContainer)) {
    const auto wanted = modes.get("container-token");
    if (!wanted.empty() && request.header("Authorization") != wanted) {
      return {.status = 401,
              .body = R"({"code":"AccessDenied","message":"the authorization token is wrong"})"};
    }
    return {.headers = {{"Content-Type", "application/json"}},
            .body = keys_json(session(role, "container", life), false)};
  }
  const auto token_status = static_cast<int>(modes.number("imds-token"));
  if (request.path == "/latest/api/token") {
    if (request.method != "PUT") return text(405, "");
    if (request.header("X-aws-ec2-metadata-token-ttl-seconds").empty()) return text(400, "");
    return token_status == 200 ? text(200, kInstanceToken) : text(token_status, "");
  }
  // Where no token can be had, the first version of the service answers without.
  if (token_status < 403 && request.header("X-aws-ec2-metadata-token") != kInstanceToken)
    return text(401, "");
  if (request.path == kKeysPath || request.path + "/" == kKeysPath) return text(200, kRoleName);
  if (request.path == std::string(kKeysPath) + kRoleName) {
    return text(200, keys_json(session(role, "i-00000000000000000", life), true));
  }
  if (request.path == "/latest/meta-data/placement/region") return text(200, place.region);
  if (request.path == "/latest/meta-data/placement/availability-zone") return text(200, place.region + "a");
  if (request.path == "/latest/dynamic/instance-identity/document") {
    return text(200, nlohmann::json{{"region", place.region}, {"accountId", place.account}}.dump());
  }
  return text(404, "");
}

Response IdentityFront::assumed(const std::string& action, const Form& form) {
  const std::string name = field(form, "RoleSessionName");
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
  if (name.size() < 2 || name.size() > 64 || name.find_first_not_of(kAllowed) != std::string::npos) {
    throw Refusal{"ValidationError",
                  "1 validation error detected: Value at 'roleSessionName' failed to satisfy "
                  "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"};
  }
  std::int64_t duration = 3600;
  const std::string asked = field(form, "DurationSeconds");
  if (!asked.empty()) {
    duration = 0;
    std::from_chars(asked.data(), asked.data() + asked.size(), duration);
    if (duration < 900 || duration > 43200) {
      throw Refusal{"ValidationError",
                    "1 validation error detected: Value at 'durationSeconds' failed to satisfy "
                    "constraint: Member must have value between 900 and 43200"};
    }
  }
  const Principal made = session(field(form, "RoleArn"), name, seconds(duration));
  std::string result = "<Credentials>" + element("AccessKeyId", made.key_id) +
                       element("SecretAccessKey", made.secret) + element("SessionToken", made.session_token) +
                       element("Expiration", iso_time(made.expires)) + "</Credentials><AssumedRoleUser>" +
                       element("AssumedRoleId", made.user_id) + element("Arn", made.arn) +
                       "</AssumedRoleUser>";
  return success(action, result);
}

Response IdentityFront::sts(Request& request) {
  const auto body = read_body(request, kFormLimit);
  Form form = parse_form(body.value_or(""));
  for (const auto& [name, value] : request.query) form.emplace(name, value);
  const std::string action = field(form, "Action");
  if (const auto fault = backend_.controls().take_fault(action)) return api_fault(*fault);
  try {
    if (!body || field(form, "Version") != "2011-06-15") {
      throw Refusal{"InvalidAction", "Could not find operation " + action};
    }
    const Place& place = backend_.place();
    if (action == "AssumeRoleWithWebIdentity") {
      backend_.controls().admit(action, "", field(form, "RoleArn"), place);
      const std::string token = field(form, "WebIdentityToken");
      if (token.size() < 4 || token.size() > 20000) {
        throw Refusal{"InvalidIdentityToken", "The ID Token provided is not a valid JWT."};
      }
      if (const std::string fault = id_token_fault(token); !fault.empty()) {
        throw Refusal{"InvalidIdentityToken", fault};
      }
      if (has_ended(token, backend_.clock().now())) {
        return sts_error(400, "ExpiredTokenException", "Token expired: the web identity token has expired",
                         action);
      }
      return assumed(action, form);
    }
    const std::array<std::string, 2> regions{place.region, "us-east-1"};
    const Principal caller =
        signer_of(request, *body, {"sts", regions}, backend_.clock(), backend_.controls().modes());
    backend_.controls().admit(action, "", caller.arn, place);
    if (action == "GetCallerIdentity") {
      return success(action, element("Arn", caller.arn) + element("UserId", caller.user_id) +
                                 element("Account", caller.account));
    }
    if (action == "AssumeRole") return assumed(action, form);
    throw Refusal{"InvalidAction", "Could not find operation " + action + " for version 2011-06-15"};
  } catch (const Refusal& refusal) {
    return sts_refused(refusal, action);
  }
}

}  // namespace davit::emulator
