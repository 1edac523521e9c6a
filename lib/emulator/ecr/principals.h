#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace davit::emulator {

/// Keys that sign, and whom they stand for. All emulators agree on them: a secret follows from its key id,
/// and a session says in its token who it is. So a role of another account, assumed here, can sign there.
struct Principal {
  using Time = std::chrono::system_clock::time_point;

  std::string key_id;
  std::string secret;
  std::string session_token = {};  ///< empty for keys that last
  Time expires = Time::max();
  std::string arn;
  std::string user_id;
  std::string account;
};

/// The user whom an account begins with.
Principal account_user(std::string_view region, std::string_view account);

/// A session of a role. Nullopt when `role_arn` is no role's name.
std::optional<Principal> assume(std::string_view role_arn, std::string_view session_name,
                                Principal::Time expires, std::string_view distinction);

/// Who signs with this key id and session token; nullopt for a key id that nobody has or a token that is not
/// the session's. Sessions that have ended are found too.
std::optional<Principal> find_principal(std::string_view region, std::string_view key_id,
                                        std::string_view session_token);

}  // namespace davit::emulator
