#pragma once

#include <functional>
#include <string>

#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/backend.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// ECR's own API, private and public, as it is on the wire (awsJson 1.1). Thread-safe.
class ApiFront {
 public:
  using DownloadUrl = std::function<std::string(const std::string& repository, const Digest& digest)>;

  /// REQUIRES: `backend` outlives it.
  ApiFront(Backend& backend, DownloadUrl download_url);

  Response handle(Request& request) const;

 private:
  Response perform(const Request& request, const std::string& body, const std::string& operation,
                   bool for_public) const;

  Backend& backend_;
  DownloadUrl download_url_;
  ApiOperations operations_;
};

/// A fault as the API shows it; a response that is no answer at all for some.
Response api_fault(const Fault& fault);

}  // namespace davit::emulator
