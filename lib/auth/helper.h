#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <davit/call_context.h>
#include <davit/credentials.h>

namespace davit::auth {

/// A program docker-credential-NAME that keeps credentials (Docker's helper protocol). No shell is involved;
/// the program gets no descriptor but its own three, and what it prints is never shown. Thread-safe, plain
/// data.
struct Helper {
  std::string name;  ///< "pass", "ecr-login"
  std::string path;  ///< PATH; entries that are not absolute are passed over
  std::chrono::milliseconds limit{60'000};

  /// Empty when the helper says that it has none. Errors: invalid_argument for a name or server that is not
  /// fit to be passed on; unavailable, timeout, cancelled or protocol, naming the helper.
  [[nodiscard]] Result<std::optional<Credential>> get(const std::string& server,
                                                      const CallContext& context) const;
  /// REQUIRES: `credential` has a password or an identity token.
  [[nodiscard]] Result<> store(const std::string& server, const Credential& credential,
                               const CallContext& context) const;
  /// False when there was nothing to erase.
  [[nodiscard]] Result<bool> erase(const std::string& server, const CallContext& context) const;
};

}  // namespace davit::auth
