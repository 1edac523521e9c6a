#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <davit/digest.h>

namespace davit {

/// The name of something in a registry: `host[:port]/repository[:tag][@digest]`, with the grammar of the OCI
/// distribution specification and Docker's reading of bare names (`alpine` is `docker.io/library/alpine`).
/// Every field has been checked; nothing else is ever put into a request path.
struct DAVIT_EXPORT Reference {
  std::string
      host;  ///< lower case, with the port if one was written: "docker.io", "localhost:5000", "[::1]:5000"
  std::string repository;  ///< "library/alpine"
  std::string tag;         ///< empty when none was written
  std::optional<Digest> digest;

  /// `docker://` in front is accepted. Errors: invalid_argument, naming the part that is wrong.
  static Result<Reference> parse(std::string_view text);

  /// A registry alone, as `host` holds it: "host" or "host:port"; Docker Hub's names are "docker.io". Errors:
  /// invalid_argument.
  static Result<std::string> parse_registry(std::string_view text);

  /// Whether the first path component of `text` names a registry: it holds a `.` or `:`, or is `localhost`.
  static bool names_registry(std::string_view text);
  /// USER:PASSWORD@HOST[:PORT][/...] or USER@HOST/..., which no reference is, behind any scheme and whatever
  /// is in the password; such a text must not be repeated in messages. An "@" in front of "sha256:" or
  /// "sha512:" is a digest's, and one behind the first ":" (FILE:@N) an archive's.
  static bool holds_credentials(std::string_view text);
  static bool is_tag(std::string_view text);
  static bool is_repository(std::string_view text);

  /// "host/repository".
  [[nodiscard]] std::string name() const;
  /// "host/repository[:tag][@digest]".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Reference&, const Reference&) = default;
};

}  // namespace davit
