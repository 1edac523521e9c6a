#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "emulator/behaviour.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// One `repository:NAME:ACTIONS` scope.
struct Scope {
  std::string repository;
  std::set<std::string> actions;

  [[nodiscard]] std::string to_string() const;
};

/// Gives out bearer tokens, and tells good ones from bad ones. Thread-safe.
class TokenService {
 public:
  /// Answers GET (the distribution token specification) and POST (its OAuth2 form).
  Response issue(Request& request, const Auth& auth);

  /// Whether the request carries a token that is still good for every scope; uses it up by one if so.
  enum class Verdict { good, missing, expired, insufficient };
  Verdict check(const Request& request, const std::vector<Scope>& wanted, const Auth& auth);

  /// Makes every token given out so far expired.
  void expire_all();

 private:
  struct Token {
    std::vector<Scope> scopes;
    std::chrono::steady_clock::time_point until;
    int uses = 0;
  };

  Mutex mutex_;
  std::uint64_t next_ DAVIT_GUARDED_BY(mutex_) = 1;
  std::map<std::string, Token> tokens_ DAVIT_GUARDED_BY(mutex_);
};

/// Whether the request carries this user and password as Basic credentials.
bool has_basic_credentials(const Request& request, const Auth& auth);

}  // namespace davit::emulator
