#pragma once

#include <chrono>
#include <string_view>

#include <davit/result.h>
#include <davit/secret.h>

namespace davit::auth {

/// What a token endpoint grants (distribution token authentication, and RFC 6749 section 5.1).
struct TokenAnswer {
  Secret token;
  std::chrono::seconds lifetime{60};  ///< from receipt: the server's own clock is not believed
  bool lifetime_stated = false;       ///< false: nobody said, and `lifetime` is a guess
  Secret refresh_token;               ///< a new identity token, when the server changes it
};

/// `access_token` and `token` mean the same. A lifetime that is absent or unreadable is 60 s, and never less.
/// Errors: protocol, without the text (it may hold a secret).
Result<TokenAnswer> parse_token_answer(std::string_view body);

}  // namespace davit::auth
