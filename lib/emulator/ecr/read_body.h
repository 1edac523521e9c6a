#pragma once

#include <optional>
#include <string>

#include "emulator/http_server.h"

namespace davit::emulator {

/// The whole body; nullopt when it is larger than `limit` or breaks off.
inline std::optional<std::string> read_body(Request& request, std::size_t limit) {
  std::string body;
  std::string block(64u << 10, '\0');
  while (const std::size_t n = request.read(block.data(), block.size())) {
    if (body.size() + n > limit) return std::nullopt;
    body.append(block, 0, n);
  }
  if (!request.body_complete()) return std::nullopt;
  return body;
}

}  // namespace davit::emulator
