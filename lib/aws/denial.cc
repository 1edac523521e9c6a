#include "aws/denial.h"

#include <algorithm>
#include <array>

#include "auth/iam_denial.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::aws {
namespace {

std::string lower(std::string_view text) {
  std::string out(text.substr(0, 4096));
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

struct Known {
  std::string_view code;
  Errc errc;
  std::string_view hint;
};
constexpr std::string_view kKeysHint =
    "check the keys that davit auth whoami shows, and this machine's clock";
constexpr std::string_view kExpiredHint = "log in to AWS again, or let the credentials be renewed";
constexpr std::array kKnown{
    Known{"AccessDenied", Errc::denied, ""},
    Known{"AccessDeniedException", Errc::denied, ""},
    Known{"OptInRequired", Errc::denied, "the region is not enabled for this account"},
    Known{"KmsException", Errc::denied, "the caller needs the right to use the repository's KMS key"},
    Known{"BlockedByOrganizationPolicyException", Errc::denied, ""},
    Known{"ExpiredToken", Errc::unauthenticated, kExpiredHint},
    Known{"ExpiredTokenException", Errc::unauthenticated, kExpiredHint},
    Known{"UnrecognizedClientException", Errc::unauthenticated, kKeysHint},
    Known{"InvalidClientTokenId", Errc::unauthenticated, kKeysHint},
    Known{"InvalidSignatureException", Errc::unauthenticated, kKeysHint},
    Known{"SignatureDoesNotMatch", Errc::unauthenticated, kKeysHint},
    Known{"IncompleteSignature", Errc::unauthenticated, kKeysHint},
    Known{"MissingAuthenticationTokenException", Errc::unauthenticated, kKeysHint},
    Known{"NotAuthorized", Errc::unauthenticated, kKeysHint},
    Known{"RequestExpired", Errc::unauthenticated, "this machine's clock may be wrong"},
    Known{"RepositoryNotFoundException", Errc::not_found, "--create-repo creates it"},
    Known{"ImageNotFoundException", Errc::not_found, ""},
    Known{"LayersNotFoundException", Errc::not_found, ""},
    Known{"RegistryNotFoundException", Errc::not_found, ""},
    Known{"RepositoryAlreadyExistsException", Errc::already_exists, ""},
    Known{"ImageTagAlreadyExistsException", Errc::conflict, ""},
    // A quota of things. Trying again does not help, whatever generic lists of retryable codes say.
    Known{"LimitExceededException", Errc::unsupported, "a quota of the account is used up"},
    Known{"TooManyTagsException", Errc::unsupported, ""},
    Known{"InvalidParameterException", Errc::invalid_argument, ""},
    Known{"InvalidTagParameterException", Errc::invalid_argument, ""},
    Known{"ValidationException", Errc::invalid_argument, ""},
    Known{"ValidationError", Errc::invalid_argument, ""},
    Known{"ThrottlingException", Errc::rate_limited, ""},
    Known{"Throttling", Errc::rate_limited, ""},
    Known{"TooManyRequestsException", Errc::rate_limited, ""},
    Known{"RequestLimitExceeded", Errc::rate_limited, ""},
    Known{"ServerException", Errc::unavailable, ""},
    Known{"InternalFailure", Errc::unavailable, ""},
    Known{"ServiceUnavailable", Errc::unavailable, ""},
};

Errc errc_of(int status) {
  if (status == 401) return Errc::unauthenticated;
  if (status == 403) return Errc::denied;
  if (status == 404) return Errc::not_found;
  if (status == 429) return Errc::rate_limited;
  if (status >= 500) return Errc::unavailable;
  return status >= 400 ? Errc::unsupported : Errc::protocol;
}

}  // namespace

Refusal refusal_of(std::string_view text) {
  const std::string said = lower(text);
  const auto says = [&](std::string_view words) { return said.find(words) != std::string::npos; };
  if (says("is not authorized to perform")) return Refusal::permission;
  if (says("maximum allowed number")) return Refusal::quota;
  if (says("token has expired") || says("token is expired") || says("token expired")) return Refusal::expired;
  return Refusal::unknown;
}

bool is_about_login(std::string_view text) {
  const std::string said = lower(text);
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"authoriz", "authentic", "token", "credential", "bad request"},
      [&](std::string_view word) { return said.find(word) != std::string::npos; });
}

Error api_error(std::string_view operation, std::string_view host, const ApiFailure& failure) {
  const auto known = std::ranges::find(kKnown, failure.code, &Known::code);
  std::string message = std::string(operation) + " at " + std::string(host) + ": ";
  std::string hint = known == kKnown.end() ? std::string() : std::string(known->hint);
  if (const auto denial = auth::parse_iam_denial(failure.message)) {
    message += denial->text();
    hint = denial->hint();
  } else {
    message += failure.code.empty() ? "status " + std::to_string(failure.status) : escaped(failure.code, 80);
    if (!failure.message.empty()) message += ": " + escaped(failure.message, 300);
  }
  Error error = make_error(known == kKnown.end() ? errc_of(failure.status) : known->errc, std::move(message),
                           std::move(hint));
  error.retryable = error.code == Errc::rate_limited || error.code == Errc::unavailable;
  error.http = HttpFacts{.method = "POST", .url = std::string(host), .status = failure.status};
  if (!failure.code.empty()) error.http->codes = {escaped(failure.code, 80)};
  error.http->request_id = escaped(failure.request_id, 80);
  return error;
}

}  // namespace davit::aws
