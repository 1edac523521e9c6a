#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/authorizer.h"

namespace davit::auth {

/// The scope strings of distribution token authentication: "repository:NAME:pull,push", and one more to mount
/// from.
std::vector<std::string> scopes_of(const Scope& scope);

/// What a challenge asks for beyond `own`: at most four, of visible ASCII.
std::vector<std::string> further_scopes(std::string_view challenge_scope,
                                        const std::vector<std::string>& own);

}  // namespace davit::auth
