#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace davit::tool {

/// A document for standard output, indented, with an end of line. Valid UTF-8 whatever came from outside.
std::string json_text(const nlohmann::ordered_json& document);
/// The same as one line, without its end.
std::string json_line(const nlohmann::ordered_json& document);

}  // namespace davit::tool
