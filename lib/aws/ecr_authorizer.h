#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/authorizer.h"
#include "aws/ecr_login.h"

namespace davit::aws {

struct EcrAuthorizerOptions {
  std::string host;  ///< as in Reference::host
  net::Url origin;   ///< what is really talked to
  EcrSite site;
  EcrSources sources;
  std::vector<std::string> allowed_realms;  ///< HOST[:PORT]; for the public gallery
};

/// Speaks to an ECR registry. A private one is shown its password with the first request, and another one
/// when it says that this has expired; the public gallery gets tokens of its own, and readers whose login
/// fails go on as nobody. REQUIRES: all references outlive it.
std::unique_ptr<auth::Authorizer> make_ecr_authorizer(EcrAuthorizerOptions options, EcrTokens& tokens,
                                                      net::Transport& transport, Clock& clock, Log log);

/// The public gallery's part of the above.
std::unique_ptr<auth::Authorizer> make_ecr_public_authorizer(EcrAuthorizerOptions options, EcrTokens& tokens,
                                                             net::Transport& transport, Clock& clock,
                                                             Log log);

}  // namespace davit::aws
