#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <davit/call_context.h>
#include <davit/result.h>

#include "aws/call_loop.h"
#include "aws/keys.h"
#include "aws/setup.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "net/http.h"

namespace davit::aws {

/// One search for credentials: what the places look at, and whom they may ask.
struct Inquiry {
  const Setup& setup;
  net::Transport& transport;
  Clock& clock;
  CallLoop& calls;
  const CallContext& context;
  /// Where STS is asked. Errors: as Identity::endpoint().
  std::function<Result<Endpoint>()> sts;
  /// What the places that had nothing said, for the message in the end: "no AWS_ACCESS_KEY_ID".
  std::vector<std::string>& said;
};

/// Empty: this place has none, and the next one is asked. Errors: it should have some, and could not be
/// asked.
using Found = Result<std::optional<Credentials>>;

Found from_environment(const Inquiry& inquiry);
/// `role_arn` of a profile, with all that its source needs.
Found from_role_profile(const Inquiry& inquiry, const std::string& profile);
/// A token file and a role, from a profile and, when `with_environment`, from variables first.
Found from_web_identity(const Inquiry& inquiry, const std::string& profile, bool with_environment);
/// An ID token of a GitHub Actions job for AWS_ROLE_ARN, else for the role of the options.
Found from_github(const Inquiry& inquiry);
Found from_sso(const Inquiry& inquiry, const std::string& profile);
/// Keys as such, in one of the two files.
Found from_credentials_file(const Inquiry& inquiry, const std::string& profile);
Found from_config_file(const Inquiry& inquiry, const std::string& profile);
/// `login_session`: davit cannot use these, and says so.
Found from_login_session(const Inquiry& inquiry, const std::string& profile);
Found from_process(const Inquiry& inquiry, const std::string& profile);
Found from_container(const Inquiry& inquiry);
Found from_instance(const Inquiry& inquiry);

/// What a profile has of its own, without assuming roles: web identity, SSO, keys, a program.
Found from_profile(const Inquiry& inquiry, const std::string& profile);

/// Assumes a role with credentials that were found. `who` names the result.
Result<Credentials> assume_with(const Inquiry& inquiry, const Credentials& source, const RoleRequest& role,
                                const std::string& who);

/// A name for the session of a role where nobody chose one.
std::string session_name(Clock& clock);

/// The region of the machine by its metadata; empty when that does not answer.
std::string instance_region(const Inquiry& inquiry);

/// The whole chain, in AWS's order. Errors: unauthenticated when no place has any, saying what each said.
Result<Credentials> find_credentials(const Inquiry& inquiry);

}  // namespace davit::aws
