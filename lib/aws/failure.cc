#include "aws/failure.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "aws/xml_fields.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"

namespace davit::aws {
namespace {

constexpr std::size_t kLongestBody = 64u << 10;

template <std::size_t N>
bool is_one_of(std::string_view code, const std::array<std::string_view, N>& codes) {
  return std::ranges::find(codes, code) != codes.end();
}

/// "com.amazonaws.ecr#AccessDeniedException:http://..." is AccessDeniedException.
std::string bare(std::string_view code) {
  if (const std::size_t hash = code.find('#'); hash != std::string_view::npos) code.remove_prefix(hash + 1);
  code = code.substr(0, code.find(':'));
  const bool sane = code.size() <= 100 && std::ranges::all_of(code, [](char c) {
                      return is_alnum(c) || c == '.' || c == '_' || c == '-';
                    });
  return sane ? std::string(code) : std::string();
}

void read_json(std::string_view body, ApiFailure& failure) {
  const auto document = parse_json(body, {.bytes = kLongestBody, .depth = 16, .values = 1000});
  if (!document || !document->is_object()) return;
  for (const char* name : {"__type", "code", "Code"}) {
    if (failure.code.empty()) failure.code = bare(json_text(*document, name));
  }
  for (const char* name : {"message", "Message", "error_description"}) {
    if (failure.message.empty()) failure.message = json_text(*document, name);
  }
  // RFC 6749, 5.2, for the OIDC service.
  if (failure.code.empty()) failure.code = bare(json_text(*document, "error"));
}

constexpr std::array<std::string_view, 9> kBadKeys = {"UnrecognizedClientException",
                                                      "InvalidClientTokenId",
                                                      "InvalidAccessKeyId",
                                                      "InvalidToken",
                                                      "InvalidIdentityToken",
                                                      "NotAuthorized",
                                                      "UnauthorizedException",
                                                      "MissingAuthenticationToken",
                                                      "MissingAuthenticationTokenException"};

/// AWS repeats the request in the messages of these, session token and all.
constexpr std::array<std::string_view, 4> kBadSignature = {"InvalidSignatureException",
                                                           "SignatureDoesNotMatch", "IncompleteSignature",
                                                           "IncompleteSignatureException"};

/// What there is stands in the way.
constexpr std::array<std::string_view, 7> kConflicts = {
    "ConflictException",          "ConcurrentModificationException",
    "ResourceInUseException",     "RepositoryNotEmptyException",
    "InvalidLayerPartException",  "LifecyclePolicyPreviewInProgressException",
    "ImageTagsImmutableException"};

Errc errc_of(const ApiFailure& failure) {
  if (is_throttling(failure.code) || failure.status == 429) return Errc::rate_limited;
  if (is_transient(failure)) return Errc::unavailable;
  if (is_expired_token(failure.code) || is_one_of(failure.code, kBadKeys) ||
      is_one_of(failure.code, kBadSignature) || may_be_clock_skew(failure.code))
    return Errc::unauthenticated;
  if (failure.code.starts_with("AccessDenied") || failure.code == "OptInRequired" ||
      failure.code == "IDPRejectedClaim" || failure.code == "RegionDisabledException")
    return Errc::denied;
  if (failure.code.starts_with("Validation") || failure.code.starts_with("InvalidParameter"))
    return Errc::invalid_argument;
  if (failure.code.ends_with("NotFoundException")) return Errc::not_found;
  if (failure.code.ends_with("AlreadyExistsException")) return Errc::already_exists;
  if (is_one_of(failure.code, kConflicts)) return Errc::conflict;
  // Nothing is known about it but that this call will not be carried out.
  if (!failure.code.empty()) return Errc::unsupported;
  if (failure.status == 401) return Errc::unauthenticated;
  return failure.status == 403 ? Errc::denied : Errc::protocol;
}

std::string hint_for(const ApiFailure& failure) {
  if (is_expired_token(failure.code)) return "log in again, or renew the credentials";
  if (failure.message.find("valid region") != std::string::npos)
    return "the region does not exist, or the account does not use it";
  if (is_one_of(failure.code, kBadSignature))
    return "the secret access key does not belong to the access key id, or something between here and AWS "
           "changes requests";
  if (may_be_clock_skew(failure.code)) return "set this machine's clock";
  return {};
}

}  // namespace

bool is_throttling(std::string_view code) {
  constexpr std::array<std::string_view, 14> kCodes = {"Throttling",
                                                       "ThrottlingException",
                                                       "ThrottledException",
                                                       "RequestThrottledException",
                                                       "RequestThrottled",
                                                       "TooManyRequestsException",
                                                       "ProvisionedThroughputExceededException",
                                                       "TransactionInProgressException",
                                                       "RequestLimitExceeded",
                                                       "BandwidthLimitExceeded",
                                                       "SlowDown",
                                                       "PriorRequestNotComplete",
                                                       "EC2ThrottledException",
                                                       "TooManyRequests"};
  return is_one_of(code, kCodes);
}

bool is_transient(const ApiFailure& failure) {
  constexpr std::array<std::string_view, 5> kCodes = {"RequestTimeout", "RequestTimeoutException",
                                                      "RequestAbortedException", "InternalError",
                                                      "IDPCommunicationError"};
  constexpr std::array kStatuses{408, 500, 502, 503, 504};
  return std::ranges::find(kStatuses, failure.status) != kStatuses.end() || is_one_of(failure.code, kCodes);
}

bool is_expired_token(std::string_view code) {
  return code == "ExpiredToken" || code == "ExpiredTokenException";
}

bool may_be_clock_skew(std::string_view code) {
  constexpr std::array<std::string_view, 7> kCodes = {
      "RequestTimeTooSkewed",         "RequestExpired", "RequestInTheFuture",
      "InvalidSignatureException",    "AuthFailure",    "SignatureDoesNotMatch",
      "RequestTimeTooSkewedException"};
  return is_one_of(code, kCodes);
}

ApiFailure parse_failure(const net::Response& response) {
  ApiFailure failure{.status = response.status, .code = {}, .message = {}, .request_id = {}};
  failure.code = bare(response.headers.get("x-amzn-ErrorType"));
  const std::size_t start = response.body.find_first_not_of(" \t\r\n");
  if (start != std::string::npos && response.body.size() <= kLongestBody && is_utf8(response.body)) {
    if (response.body[start] == '{') {
      read_json(response.body, failure);
    } else if (response.body[start] == '<') {
      if (failure.code.empty()) failure.code = bare(xml_field(response.body, "Code"));
      failure.message = xml_field(response.body, "Message");
      failure.request_id = xml_field(response.body, "RequestId");
    }
  }
  for (const char* name : {"x-amzn-RequestId", "x-amz-request-id"}) {
    if (response.headers.has(name)) failure.request_id = std::string(response.headers.get(name));
  }
  failure.request_id = escaped(failure.request_id, 100);
  return failure;
}

Error refusal(const std::string& operation, const net::Url& url, const net::Response& response) {
  const ApiFailure failure = parse_failure(response);
  std::string what = failure.code.empty() ? "status " + std::to_string(failure.status) : failure.code;
  if (!failure.message.empty() && !is_one_of(failure.code, kBadSignature))
    what += ": " + escaped(failure.message, 400);
  const Errc code = errc_of(failure);
  Error error = make_error(code, operation + " at " + url.host() + ": " + what, hint_for(failure));
  error.retryable = code == Errc::rate_limited || code == Errc::unavailable;
  HttpFacts facts{
      .method = {}, .url = url.redacted(), .status = failure.status, .codes = {}, .request_id = {}};
  if (!failure.code.empty()) facts.codes.push_back(failure.code);
  facts.request_id = failure.request_id;
  error.http = std::move(facts);
  return error;
}

}  // namespace davit::aws
