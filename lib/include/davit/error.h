#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/export.h>

namespace davit {

/// What kind of failure it is. Callers branch on this, never on text; docs/errors.md maps it to exit codes.
enum class Errc {
  invalid_argument,  ///< a malformed reference, option or combination: the caller can fix it
  not_found,         ///< image, tag or repository is not there
  already_exists,    ///< it is there and the caller said not to overwrite it
  conflict,          ///< immutable tag, unexpected digest, changed underneath
  unauthenticated,   ///< no credentials, or not accepted
  denied,            ///< not permitted, or an address or realm that davit refuses to talk to
  unsupported,       ///< the registry or format cannot do it
  rate_limited,      ///< 429 and its relatives, retries exhausted
  unavailable,       ///< DNS, connect, TLS, 5xx, cut connections, retries exhausted
  timeout,           ///< a deadline or a stall limit passed
  cancelled,         ///< the caller's stop token
  corrupt,           ///< bytes that do not match their digest, or a document that cannot be read
  local_io,          ///< a local file, pipe or disk
  protocol,          ///< an answer that no registry gives (a login page, a missing header)
  internal,          ///< a defect in davit
};

/// "not_found", "rate_limited", ...: the enumerator's own name.
DAVIT_EXPORT std::string_view to_string(Errc code);

/// Which end of a transfer failed. A single registry operation is `destination` when it writes, else
/// `source`.
enum class Side { local, source, destination };

/// The HTTP exchange behind an error. The URL is redacted: no user info, no secret query values.
struct HttpFacts {
  std::string method = {};
  std::string url;
  int status = 0;                       ///< 0: there was a connection, and it was cut
  std::vector<std::string> codes = {};  ///< the registry's own error codes, e.g. "MANIFEST_UNKNOWN"
  std::string request_id = {};
};

/// Why something failed, in one value. Plain data, freely copied, safe to share between threads.
/// `message` reads thing > place > cause: lower case, no full stop, never a secret, server text escaped.
struct DAVIT_EXPORT Error {
  Errc code = Errc::internal;
  std::string message = {};
  Side side = Side::local;
  bool retryable = false;  ///< the same call may succeed later; davit's own retries are already spent
  int attempts = 1;
  std::optional<HttpFacts> http = {};
  std::string hint = {};                    ///< what would cure it, when davit can know; may be empty
  std::shared_ptr<const Error> cause = {};  ///< co-owned by all copies of this error

  /// The same error with one more fact in front: "push layer sha256:1f2e: 403 DENIED".
  [[nodiscard]] Error with_context(std::string_view fact) const;
  [[nodiscard]] Error on(Side which) const;
  /// The message, with the number of attempts when there was more than one.
  [[nodiscard]] std::string to_string() const;
};

}  // namespace davit
