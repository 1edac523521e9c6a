#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::net {

/// An http or https URL, taken apart by the same parser that the transport uses, so both always mean the same
/// host. A value type; a default-constructed one is empty. Path and query are kept byte for byte: signatures
/// depend on them.
class Url {
 public:
  Url() = default;

  /// Refused: other schemes, user info, anything but printable ASCII. A fragment is dropped.
  /// Errors: invalid_argument, without the query (it may hold a secret).
  static Result<Url> parse(std::string_view text);

  /// What `reference` (a Location or Link value) means when it comes with an answer from this URL: RFC 3986,
  /// section 5.
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  [[nodiscard]] bool empty() const { return host_.empty(); }
  [[nodiscard]] bool secure() const { return scheme_ == "https"; }
  [[nodiscard]] const std::string& scheme() const { return scheme_; }
  /// Lower case; an IPv6 literal without its brackets.
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Starts with '/'.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Without the '?'; empty when there is none.
  [[nodiscard]] const std::string& query() const { return query_; }

  /// "host:port", IPv6 in brackets: the key of everything that is set per host.
  [[nodiscard]] std::string host_port() const;
  /// "https://host:443". Two URLs belong together exactly when their origins are equal.
  [[nodiscard]] std::string origin() const;
  [[nodiscard]] bool same_origin(const Url& other) const { return origin() == other.origin(); }

  /// As it is sent.
  [[nodiscard]] std::string text() const;
  /// For people: the values of all but a few harmless query keys are replaced.
  [[nodiscard]] std::string redacted() const;

  /// The same URL with `name=value` at the end of its query. REQUIRES: both need no escaping, or are escaped
  /// already.
  [[nodiscard]] Url with_query(std::string_view name, std::string_view value) const;
  /// The same origin, another path and no query. REQUIRES: `path` starts with '/' and is escaped already.
  [[nodiscard]] Url with_path(std::string_view path) const;

 private:
  std::string scheme_, host_, path_, query_;
  std::uint16_t port_ = 0;
};

/// Percent-encodes everything but unreserved characters (RFC 3986).
std::string percent_encode(std::string_view text);

}  // namespace davit::net
