#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

#include "net/http.h"
#include "net/url.h"

namespace davit::auth {

/// The address of a token endpoint, which a registry names and nobody has to believe.
struct Realm {
  net::Url url;
  bool trusted = false;  ///< whether credentials may go there; a stranger may only be asked as nobody
  net::Peers peers = net::Peers::remote;
};

/// Judges the realm that `registry` (the origin talked to) names. Trusted: the same origin, the same
/// registrable domain (never for AWS hosts), a known pair of registry and token service, or an entry
/// HOST[:PORT] of `allowed`. Errors: denied for what is not even asked: another scheme, plain http from an
/// https registry, user info, and literal addresses of this machine, its links or metadata services that the
/// user did not name; naming both ends.
Result<Realm> judge_realm(const net::Url& registry, std::string_view realm,
                          const std::vector<std::string>& allowed);

/// Whether both hosts are below the same name that somebody registered (public suffix list).
bool same_registrable_domain(const std::string& one, const std::string& other);

}  // namespace davit::auth
