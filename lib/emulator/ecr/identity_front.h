#pragma once

#include <atomic>
#include <string>

#include "emulator/ecr/backend.h"
#include "emulator/ecr/principals.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// Where AWS credentials come from: STS, the instance metadata service (`/latest/`) and the container
/// credentials endpoint (`/v2/credentials/...`, as on ECS). Thread-safe.
class IdentityFront {
 public:
  /// REQUIRES: `backend` outlives it.
  explicit IdentityFront(Backend& backend) : backend_(backend) {}

  /// Whether a request for the API's listener is one for here.
  [[nodiscard]] static bool is_metadata(const Request& request);
  [[nodiscard]] static bool is_sts(const Request& request);

  Response metadata(const Request& request);
  Response sts(Request& request);

 private:
  Principal session(const std::string& role, const std::string& name, std::chrono::seconds life);
  std::string keys_json(const Principal& principal, bool as_instance) const;
  Response assumed(const std::string& action, const std::map<std::string, std::string>& form);

  Backend& backend_;
  std::atomic<std::uint64_t> sessions_{0};
};

}  // namespace davit::emulator
