#pragma once

#include <memory>
#include <string>

#include <davit/credentials.h>

#include "auth/helper.h"

namespace davit::client {

/// What an environment variable held (USER:PASSWORD), for one registry. An unset or unreadable one is an
/// error when that registry asks, and not before. Errors: unauthenticated, naming the variable.
std::shared_ptr<CredentialSource> variable_credentials(std::string host, std::string variable, Secret value);

/// What a helper program says about one registry. Errors: the helper's.
std::shared_ptr<CredentialSource> helper_credentials(std::string host, auth::Helper helper);

}  // namespace davit::client
