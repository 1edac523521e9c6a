#pragma once

#include <string>
#include <vector>

#include <davit/call_context.h>
#include <davit/result.h>

namespace davit::auth {

/// What a request wants to do.
struct Scope {
  std::string repository;
  bool push = false;
  std::string mount_from;  ///< a second repository, to be read
};

/// Knows what to send to one registry origin. Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  /// Authorization header value to send with a request of this scope; empty when none is known (yet).
  virtual Result<std::string> header(const Scope& scope, const CallContext& context) = 0;

  /// After a 401: the WWW-Authenticate values and the header that was refused. True: try again with header(); false:
  /// nothing more to try.
  virtual Result<bool> challenged(const std::vector<std::string>& www_authenticate, const Scope& scope,
                                  const std::string& refused, const CallContext& context) = 0;
};

}  // namespace davit::auth
