#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <davit/result.h>
#include <davit/secret.h>

#include "aws/keys.h"

namespace davit::aws {

/// Credentials whose texts are fit for the headers of a request. Errors: unauthenticated for a missing half,
/// corrupt for unfit characters; naming the source and no text.
Result<Credentials> make_credentials(std::string id, Secret secret, Secret session_token, std::string source);

/// What a credential_process prints (version 1). Errors of all of these: protocol, corrupt, unauthenticated;
/// none with any of the text, which may hold secrets.
Result<Credentials> parse_process_answer(std::string_view text, const std::string& source);

/// What the container endpoint and instance metadata answer.
Result<Credentials> parse_metadata_answer(std::string_view text, const std::string& source);

/// What the SSO portal answers to GetRoleCredentials.
Result<Credentials> parse_sso_answer(std::string_view text, const std::string& source);

/// What STS answers to AssumeRole and its relatives (XML).
Result<Credentials> parse_sts_answer(std::string_view text, const std::string& source);

/// A file of the SSO token cache.
struct SsoToken {
  Secret access_token;
  std::chrono::system_clock::time_point expires;
  std::string client_id = {};
  Secret client_secret = {};
  Secret refresh_token = {};
  std::optional<std::chrono::system_clock::time_point> registration_expires = {};
};
Result<SsoToken> parse_sso_token(std::string_view text);

/// The same file with a new token in it; what davit does not know stays. REQUIRES: `old` can be parsed.
std::string renewed_sso_token(std::string_view old, const SsoToken& token);

/// The body of a CreateToken request that asks the SSO OIDC service for a new token.
std::string sso_renewal_request(const SsoToken& token);

/// What it answers.
struct SsoRenewal {
  Secret access_token;
  std::chrono::seconds lifetime;
  Secret refresh_token;  ///< empty when it stays the same
};
Result<SsoRenewal> parse_sso_renewal(std::string_view text);

/// The `value` of a GitHub Actions ID token answer.
Result<Secret> parse_id_token(std::string_view text);

}  // namespace davit::aws
