#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/platform.h>
#include <davit/result.h>

namespace davit::model {

// Checked access to the members of a JSON object. An absent or null member is the empty value; one of another
// type is `corrupt`, naming the member.
Result<std::string> text_field(const nlohmann::json& object, const char* name);
Result<std::uint64_t> size_field(const nlohmann::json& object, const char* name);
Result<std::vector<std::string>> text_list_field(const nlohmann::json& object, const char* name);
Result<std::map<std::string, std::string>> text_map_field(const nlohmann::json& object, const char* name);

/// `os`, `architecture`, `variant`, `os.version`, `os.features` of an object, with the names of
/// spelled().
Result<Platform> platform_fields(const nlohmann::json& object);

}  // namespace davit::model
