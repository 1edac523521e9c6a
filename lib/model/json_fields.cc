#include "model/json_fields.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/try.h"
#include "model/platform_names.h"

namespace davit::model {

Result<std::string> text_field(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::string();
  if (!found->is_string()) return make_error(Errc::corrupt, std::string(name) + " is not a string");
  return found->get<std::string>();
}

Result<std::uint64_t> size_field(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return make_error(Errc::corrupt, std::string(name) + " is missing");
  const bool fits =
      found->is_number_unsigned() && found->get<std::uint64_t>() <= (std::uint64_t{1} << 63) - 1;
  if (!fits) return make_error(Errc::corrupt, std::string(name) + " is not a number from 0 to 2^63-1");
  return found->get<std::uint64_t>();
}

Result<std::vector<std::string>> text_list_field(const nlohmann::json& object, const char* name) {
  std::vector<std::string> out;
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return out;
  if (!found->is_array()) return make_error(Errc::corrupt, std::string(name) + " is not a list");
  for (const nlohmann::json& item : *found) {
    if (!item.is_string())
      return make_error(Errc::corrupt, std::string(name) + " holds something that is not a string");
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<std::map<std::string, std::string>> text_map_field(const nlohmann::json& object, const char* name) {
  std::map<std::string, std::string> out;
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return out;
  if (!found->is_object()) return make_error(Errc::corrupt, std::string(name) + " is not an object");
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string())
      return make_error(Errc::corrupt, std::string(name) + " holds something that is not a string");
    out.emplace(key, value.get<std::string>());
  }
  return out;
}

Result<Platform> platform_fields(const nlohmann::json& object) {
  Platform platform;
  DAVIT_TRY(platform.os, text_field(object, "os"));
  DAVIT_TRY(platform.architecture, text_field(object, "architecture"));
  DAVIT_TRY(platform.variant, text_field(object, "variant"));
  DAVIT_TRY(platform.os_version, text_field(object, "os.version"));
  DAVIT_TRY(platform.os_features, text_list_field(object, "os.features"));
  return spelled(platform);
}

}  // namespace davit::model
