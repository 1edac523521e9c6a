#include "ui/json_text.h"

#include <nlohmann/json.hpp>

namespace davit::tool {

std::string json_text(const nlohmann::ordered_json& document) {
  return document.dump(4, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string json_line(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace davit::tool
