#include "aws/denial.h"

#include <algorithm>
#include <array>

#include "auth/iam_denial.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::aws {
namespace {

constexpr std::size_t kLongestRead = 4096;

/// What ECR's codes mean, where the general rule says something else or nothing that helps.
struct Known {
  std::string_view code;
  Errc errc;
  std::string_view hint;
};
constexpr std::array kKnown{
    Known{"KmsException", Errc::denied, "the caller needs the right to use the repository's KMS key"},
    Known{"BlockedByOrganizationPolicyException", Errc::denied, ""},
    Known{"RepositoryNotFoundException", Errc::not_found, ""},
    Known{"RepositoryAlreadyExistsException", Errc::already_exists, ""},
    // A quota of things. Trying again does not help, whatever generic lists of retryable codes say.
    Known{"LimitExceededException", Errc::unsupported, "a quota of the account is used up"},
    Known{"TooManyTagsException", Errc::unsupported, ""},
    Known{"InvalidTagParameterException", Errc::invalid_argument, ""},
};

}  // namespace

Refusal refusal_of(std::string_view text) {
  const std::string said = lower_case(text.substr(0, kLongestRead));
  const auto says = [&](std::string_view words) { return said.find(words) != std::string::npos; };
  if (says("is not authorized to perform")) return Refusal::permission;
  if (says("maximum allowed number")) return Refusal::quota;
  if (says("token has expired") || says("token is expired") || says("token expired")) return Refusal::expired;
  return Refusal::unknown;
}

bool is_about_login(std::string_view text) {
  const std::string said = lower_case(text.substr(0, kLongestRead));
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"authoriz", "authentic", "token", "credential", "bad request"},
      [&](std::string_view word) { return said.find(word) != std::string::npos; });
}

Error ecr_refusal(const std::string& operation, const net::Url& url, const net::Response& response) {
  Error error = refusal(operation, url, response);
  const ApiFailure failure = parse_failure(response);
  if (const auto denial = auth::parse_iam_denial(failure.message)) {
    error.code = Errc::denied;
    error.message = operation + " at " + url.host() + ": " + denial->text();
    error.hint = denial->hint();
    return error;
  }
  const auto known = std::ranges::find(kKnown, failure.code, &Known::code);
  if (known == kKnown.end()) return error;
  error.code = known->errc;
  error.hint = known->hint;
  error.retryable = false;
  return error;
}

}  // namespace davit::aws
