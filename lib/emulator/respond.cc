#include "emulator/respond.h"

#include <nlohmann/json.hpp>

namespace davit::emulator {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Response refusal(int status, std::string_view code, std::string_view message, Headers headers) {
  headers.push_back({"Content-Type", "application/json"});
  return {
      .status = status,
      .headers = std::move(headers),
      .body = "{\"errors\":[{\"code\":" + json_string(code) + ",\"message\":" + json_string(message) + "}]}"};
}

}  // namespace davit::emulator
