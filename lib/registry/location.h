#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace davit::registry {

/// Where an upload goes on. A value type.
struct UploadTarget {
  net::Url url;
  bool foreign = false;  ///< it has left the registry's origin, for good: no credentials
  net::Peers peers = net::Peers::any;
};

/// The next target after an answer from `from` with this Location (R2). `registry` is what the user named,
/// `peer` the address that answered. Errors: protocol (malformed), denied (to plain http, or to a foreign
/// host without TLS).
Result<UploadTarget> next_target(const net::Url& registry, const UploadTarget& from,
                                 std::string_view location, const std::string& peer);

}  // namespace davit::registry
