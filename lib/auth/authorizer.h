#pragma once

#include <memory>
#include <string>
#include <vector>

#include <davit/credentials.h>

#include "base/clock.h"
#include "net/http.h"

namespace davit::auth {

/// What a request needs to be allowed to do.
struct Scope {
  std::string repository;  ///< empty: no repository in particular (`/v2/`)
  bool push = false;
  std::string mount_from;  ///< a second repository, to be read from
};

/// A refusal that came without a challenge: 403, or 400 from registries that mean 401 by it.
struct Rejection {
  int status = 0;
  std::string text;     ///< what the answer says, escaped and short
  bool silent = false;  ///< an answer to HEAD, which cannot say why
};

/// Speaks for the user to one registry origin. Thread-safe. It never retries: a failure that may pass is a
/// retryable Error, and the caller's retry loop repeats the whole attempt.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  /// The Authorization value to send with a request of this scope; empty when none is known (yet). May ask
  /// credential sources and the token service; many callers at a time share one such question.
  virtual Result<std::string> header(const Scope& scope, const CallContext& context) = 0;

  /// After a 401: the WWW-Authenticate values, and the header that was refused. True: header() has something
  /// else to try. The caller bounds how often it asks, for one renewal per attempt is all an honest registry
  /// needs. False: the answer held no challenge. Errors: unauthenticated (nothing to show, or it was not
  /// accepted), denied (accepted, but not for this; or a token service that davit does not trust).
  virtual Result<bool> challenged(const std::vector<std::string>& www_authenticate, const Scope& scope,
                                  const std::string& refused, const CallContext& context) = 0;

  /// After an answer that refuses without asking for anything. True: the header may have been too old, and
  /// header() has another one. The caller asks once for each request.
  virtual Result<bool> rejected(const Rejection& rejection, const Scope& scope, const std::string& refused,
                                const CallContext& context) {
    static_cast<void>(rejection);
    static_cast<void>(scope);
    static_cast<void>(refused);
    static_cast<void>(context);
    return false;
  }

  /// Whether the login was given for the work at hand, so that none that merely lies about may stand in for
  /// it. Asks the credential sources, and remembers what they say.
  virtual Result<bool> has_chosen_login(const std::string& repository, const CallContext& context) {
    static_cast<void>(repository);
    static_cast<void>(context);
    return false;
  }
};

struct AuthorizerOptions {
  std::string host;  ///< as in Reference::host: what credentials are looked up under and errors name
  net::Url origin;   ///< what is really talked to: "https://registry-1.docker.io/" for "docker.io"
  std::vector<std::shared_ptr<CredentialSource>>
      credentials;                          ///< shared with the client; the first that answers wins
  std::vector<std::string> allowed_realms;  ///< HOST[:PORT]
};

/// Answers Basic and Bearer challenges. Nothing is sent before the first challenge; after it the kind is
/// remembered. REQUIRES: `transport` and `clock` outlive it.
std::unique_ptr<Authorizer> make_authorizer(AuthorizerOptions options, net::Transport& transport,
                                            Clock& clock);

}  // namespace davit::auth
