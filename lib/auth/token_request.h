#pragma once

#include <string>
#include <vector>

#include <davit/credentials.h>

#include "auth/realm.h"
#include "auth/token_answer.h"
#include "net/http.h"

namespace davit::auth {

/// What a Bearer challenge asks to be fetched.
struct TokenRequest {
  std::string host;  ///< the registry, for errors and hints
  Realm realm;
  std::string service;
  std::vector<std::string> scopes;  ///< "repository:NAME:pull,push"
};

/// Gets a token, with the credential if there is one: an identity token by POST (OAuth refresh), a password
/// by GET with Basic, nobody by plain GET. One exchange; a second one only where a token service does not
/// know POST. Errors: unauthenticated or denied when the service says no, else as the transport; retryable
/// where trying again may help. Never holds a secret. REQUIRES: with a credential, the realm is trusted.
Result<TokenAnswer> request_token(net::Transport& transport, const TokenRequest& request,
                                  const Credential* credential, const CallContext& context);

/// "Basic ..." for a user name and password.
std::string basic_header(const std::string& username, const Secret& password);

}  // namespace davit::auth
