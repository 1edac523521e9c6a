#pragma once

#include <string>
#include <vector>

#include <davit/credentials.h>

#include "base/clock.h"
#include "net/http.h"

namespace davit::auth {

struct LoginTarget {
  std::string host;  ///< as in Reference::host
  net::Url origin;   ///< what is really talked to
  std::vector<std::string> allowed_realms;
};

/// Whether the registry accepts the credential: asks for `/v2/` and answers its challenge. A registry that
/// asks for nothing accepts everything. One attempt; errors as Authorizer's and the transport's, protocol
/// when no registry answers there.
Result<> verify_credential(const LoginTarget& target, const Credential& credential, net::Transport& transport,
                           Clock& clock, const CallContext& context);

}  // namespace davit::auth
