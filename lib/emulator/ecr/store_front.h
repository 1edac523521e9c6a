#pragma once

#include <functional>
#include <string>

#include "emulator/ecr/backend.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// The object store that downloads are sent to: presigned URLs for GET of one blob each. Thread-safe.
class StoreFront {
 public:
  /// `url`: "http://127.0.0.1:41235". REQUIRES: `backend` outlives it.
  StoreFront(Backend& backend, std::string url) : backend_(backend), url_(std::move(url)) {}

  [[nodiscard]] std::string url_of(const std::string& repository, const Digest& digest) const;
  Response handle(const Request& request) const;

 private:
  Backend& backend_;
  std::string url_;
};

}  // namespace davit::emulator
