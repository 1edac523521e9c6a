#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "emulator/http_server.h"
#include "support/test_ca.h"

namespace davit::test {

struct TokenServerOptions {
  std::string user = "user";
  std::string password = "password";
  std::string issuer = "davit-tests";
  std::string service = "registry.test";
  std::chrono::seconds life{300};
};

/// A token service that a real registry trusts: answers GET /token with a JSON Web Token, signed ES256, for
/// whatever scopes are asked, when the Basic credentials are right.
class TokenServer {
 public:
  explicit TokenServer(TokenServerOptions options = {});

  [[nodiscard]] std::string realm() const { return server_.url() + "/token"; }
  /// "127.0.0.1:41234"
  [[nodiscard]] std::string authority() const { return server_.address().to_string(); }
  /// The certificate that the registry must trust.
  [[nodiscard]] std::string root_certificate_pem() const { return ca_.certificate_pem(); }
  [[nodiscard]] const TokenServerOptions& options() const { return options_; }
  /// How many tokens were given out.
  [[nodiscard]] int issued() const { return issued_; }

 private:
  emulator::Response answer(emulator::Request& request);
  [[nodiscard]] std::string sign(const std::string& claims) const;

  const TokenServerOptions options_;
  TestCa ca_;
  TlsIdentity signer_ = ca_.issue({"tokens.test"});
  std::atomic<int> issued_{0};
  emulator::HttpServer server_;
};

}  // namespace davit::test
