#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "emulator/ecr/backend.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// Where people and jobs sign in before they have credentials: the token service and the portal of SSO (IAM
/// Identity Center), and the ID tokens that GitHub gives to its jobs. Everybody who asks is let in.
/// Thread-safe.
class SignInFront {
 public:
  /// REQUIRES: `backend` outlives it.
  explicit SignInFront(Backend& backend) : backend_(backend) {}

  /// Whether a request for the API's listener is one for here.
  [[nodiscard]] static bool wants(const Request& request);
  Response handle(Request& request);

  /// What `aws sso login` would have written into its cache: a session that has just begun.
  [[nodiscard]] std::string sso_cache() const;
  /// What a job of GitHub finds in ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN.
  [[nodiscard]] std::string id_token_url() const;
  [[nodiscard]] std::string id_token_request_token() const;

 private:
  Response register_client() const;
  Response authorize_device() const;
  Response create_token(const std::string& body) const;
  Response role_credentials(const Request& request);
  Response id_token(const Request& request) const;
  [[nodiscard]] std::string fresh(std::string_view kind, std::chrono::seconds life) const;

  Backend& backend_;
  std::atomic<std::uint64_t> sessions_{0};
};

/// What is wrong with an ID token that emulators have given out; empty: nothing, or it is somebody else's.
std::string id_token_fault(std::string_view token);

}  // namespace davit::emulator
