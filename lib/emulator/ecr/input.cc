#include "emulator/ecr/input.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <davit/reference.h>

#include "emulator/ecr/refusal.h"

namespace davit::emulator {

bool is_repository_name(std::string_view name) {
  return name.size() >= 2 && name.size() <= 256 && Reference::is_repository(name);
}

Input::Input(const nlohmann::json& object, std::string path) : object_(&object), path_(std::move(path)) {}

const nlohmann::json* Input::find(const char* name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool Input::has(const char* name) const {
  return find(name) != nullptr;
}

std::string Input::text(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) throw invalid_parameter(at(name), "Member must not be null");
  if (!value->is_string()) throw invalid_parameter(at(name), "Member must be a string");
  return value->get<std::string>();
}

std::string Input::text_or(const char* name, std::string_view otherwise) const {
  return has(name) ? text(name) : std::string(otherwise);
}

bool Input::flag(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) throw invalid_parameter(at(name), "Member must be a boolean");
  return value->get<bool>();
}

std::uint64_t Input::number(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) throw invalid_parameter(at(name), "Member must not be null");
  if (!value->is_number_unsigned()) {
    throw invalid_parameter(at(name), "Member must have value greater than or equal to 0");
  }
  return value->get<std::uint64_t>();
}

std::uint64_t Input::number_or(const char* name, std::uint64_t otherwise) const {
  return has(name) ? number(name) : otherwise;
}

const nlohmann::json* Input::list(const char* name, std::size_t least, std::size_t most) const {
  const auto* value = find(name);
  if (value == nullptr && least > 0) throw invalid_parameter(at(name), "Member must not be null");
  if (value == nullptr) return nullptr;
  if (!value->is_array()) throw invalid_parameter(at(name), "Member must be a list");
  if (value->size() < least) {
    throw invalid_parameter(at(name),
                            "Member must have length greater than or equal to " + std::to_string(least));
  }
  if (value->size() > most) {
    throw invalid_parameter(at(name),
                            "Member must have length less than or equal to " + std::to_string(most));
  }
  return value;
}

std::vector<std::string> Input::texts(const char* name, std::size_t least, std::size_t most) const {
  std::vector<std::string> out;
  const auto* value = list(name, least, most);
  if (value == nullptr) return out;
  for (const auto& item : *value) {
    if (!item.is_string()) throw invalid_parameter(at(name), "Member must be a list of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<Input> Input::objects(const char* name, std::size_t least, std::size_t most) const {
  std::vector<Input> out;
  const auto* value = list(name, least, most);
  if (value == nullptr) return out;
  for (const auto& item : *value) {
    if (!item.is_object()) throw invalid_parameter(at(name), "Member must be a list of structures");
    out.emplace_back(item, at(name) + "." + std::to_string(out.size() + 1) + ".member.");
  }
  return out;
}

void Input::copy_to(nlohmann::json& into, std::initializer_list<const char*> names) const {
  for (const char* name : names) {
    if (const auto* value = find(name)) into[name] = *value;
  }
}

std::optional<Input> Input::object(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) throw invalid_parameter(at(name), "Member must be a structure");
  return Input(*value, at(name) + ".");
}

std::string Input::repository() const {
  std::string name = text("repositoryName");
  if (!is_repository_name(name)) {
    throw invalid_parameter(
        at("repositoryName"),
        "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'");
  }
  return name;
}

std::string Input::one_of(const char* name, std::string_view fallback,
                          const std::vector<std::string_view>& values) const {
  std::string value = text_or(name, fallback);
  if (std::ranges::find(values, value) == values.end()) {
    std::string list;
    for (const auto one : values) list += (list.empty() ? "" : ", ") + std::string(one);
    throw invalid_parameter(at(name), "Member must satisfy enum value set: [" + list + "]");
  }
  return value;
}

}  // namespace davit::emulator
