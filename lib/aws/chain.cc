#include <utility>

#include "aws/sources.h"
#include "aws/sts.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

Error nothing_found(const Inquiry& inquiry) {
  std::string places;
  for (const std::string& said : inquiry.said) places += (places.empty() ? "" : ", ") + said;
  return make_error(
      Errc::unauthenticated, "no AWS credentials: " + places,
      "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or log in "
      "with the AWS command line");
}

/// What the message in the end says about the profile. Errors: a chosen profile that is not there.
Result<> look_for_profile(const Inquiry& inquiry) {
  const std::string profile = inquiry.setup.profile();
  if (inquiry.setup.files.profile(profile) != nullptr) {
    inquiry.said.push_back("nothing about credentials in profile " + escaped(profile, 60));
    return {};
  }
  if (inquiry.setup.profile_is_chosen()) {
    const std::string& from = inquiry.setup.who.profile_from;
    return make_error(
        Errc::invalid_argument,
        "there is no AWS profile " + escaped(profile, 60) +
            (from.empty() ? "" : ", which " + from + " names"),
        "profiles are kept in ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE and "
        "AWS_SHARED_CREDENTIALS_FILE say");
  }
  inquiry.said.push_back("no profile " + profile + " in ~/.aws/config or ~/.aws/credentials");
  return {};
}

/// The chain without the role of the options. `has_role` says that the credentials are those of that role
/// already.
Result<Credentials> walk(const Inquiry& inquiry, bool& has_role) {
  const std::string profile = inquiry.setup.profile();
  const bool with_environment = inquiry.setup.who.profile.empty();
  Found found = std::optional<Credentials>();
  if (with_environment) {
    DAVIT_TRY(found, from_environment(inquiry));
    if (*found) return **std::move(found);
  }
  DAVIT_TRY_VOID(look_for_profile(inquiry));
  DAVIT_TRY(found, from_role_profile(inquiry, profile));
  if (*found) return **std::move(found);
  DAVIT_TRY(found, from_web_identity(inquiry, profile, with_environment));
  if (*found) return **std::move(found);
  if (with_environment) {
    DAVIT_TRY(found, from_github(inquiry));
    has_role = *found && inquiry.setup.variable("AWS_ROLE_ARN").empty();
    if (*found) return **std::move(found);
  }
  DAVIT_TRY(found, from_profile(inquiry, profile));
  if (*found) return **std::move(found);
  for (const auto& place : {from_container, from_instance}) {
    DAVIT_TRY(found, place(inquiry));
    if (*found) return **std::move(found);
  }
  return nothing_found(inquiry);
}

}  // namespace

Result<Credentials> find_credentials(const Inquiry& inquiry) {
  bool has_role = false;
  DAVIT_TRY(Credentials credentials, walk(inquiry, has_role));
  const std::string& role_arn = inquiry.setup.who.role_arn;
  if (role_arn.empty() || has_role) return credentials;
  const RoleRequest role{.role_arn = role_arn, .session_name = session_name(inquiry.clock)};
  return assume_with(inquiry, credentials, role, "role " + escaped(role_arn, 200));
}

}  // namespace davit::aws
