#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace davit::tool {

/// A document for standard output, indented, with an end of line. Valid UTF-8 whatever came from outside.
inline std::string json_text(const nlohmann::ordered_json& document) {
  return document.dump(4, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace davit::tool
