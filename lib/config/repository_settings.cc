#include "config/repository_settings.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"

namespace davit::config {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestPolicy = 30'720;  // characters, as ECR counts them

/// A scalar without quotes may be a number or a truth, as in JSON; with quotes it is a text.
Json scalar_value(const YAML::Node& node, const std::string& text) {
  if (node.Tag() == "!") return text;
  if (is_true(text)) return true;
  if (is_false(text)) return false;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

Result<Json> json_of(const YAML::Node& node, const Place& place) {
  if (node.IsNull()) return Json(nullptr);
  if (node.IsScalar()) {
    DAVIT_TRY(const std::string text, text_of(node, place));
    return scalar_value(node, text);
  }
  if (node.IsSequence()) {
    Json out = Json::array();
    for (const YAML::Node& each : node) {
      DAVIT_TRY(Json value, json_of(each, place.at(out.size())));
      out.push_back(std::move(value));
    }
    return out;
  }
  DAVIT_TRY(const Entries entries, entries_of(node, place));
  Json out = Json::object();
  for (const auto& entry : entries) {
    DAVIT_TRY(out[entry.first.Scalar()], json_of(entry.second, place.at(entry.first.Scalar())));
  }
  return out;
}

/// JSON may have lines; a scalar here may hold what another text may not.
Result<std::string> policy_text_of(const YAML::Node& node, const Place& place) {
  if (place.variables == nullptr) return node.Scalar();
  auto text = filled(node.Scalar(), *place.variables);
  if (!text) return place.wrong(node, text.error().message, text.error().hint);
  return std::move(text->text);
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

Result<std::string> policy_of(const YAML::Node& node, const Place& place) {
  std::string out;
  if (node.IsMap()) {
    DAVIT_TRY(const Json json, json_of(node, place));
    out = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  } else {
    if (!node.IsScalar() || node.Scalar().empty())
      return place.wrong(node, "wants JSON as a text, or a mapping");
    DAVIT_TRY(out, policy_text_of(node, place));
    const auto json = parse_json(out, {.bytes = 4 * kLongestPolicy});
    if (!json) return place.wrong(node, "is no JSON: " + json.error().message);
    if (!json->is_object()) return place.wrong(node, "is no JSON object");
  }
  if (characters(out) > kLongestPolicy)
    return place.wrong(node,
                       "has more than the " + std::to_string(kLongestPolicy) + " characters that ECR takes");
  return out;
}

Result<std::map<std::string, std::string>> tags_of(const YAML::Node& node, const Place& place) {
  std::map<std::string, std::string> out;
  if (!node.IsMap()) return place.wrong(node, "wants a mapping of names to texts");
  DAVIT_TRY(const Entries entries, entries_of(node, place));
  for (const auto& entry : entries) {
    DAVIT_TRY(out[entry.first.Scalar()], text_of(entry.second, place.at(entry.first.Scalar())));
  }
  return out;
}

}  // namespace

Setter new_repository(std::optional<NewRepository>& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    if (node.IsScalar()) {
      DAVIT_TRY(const bool wanted, truth_of(node, place));
      if (!wanted) into.reset();
      if (wanted && !into) into.emplace();
      return {};
    }
    if (!node.IsMap()) return place.wrong(node, "is true, false or a mapping");
    if (!into) into.emplace();
    NewRepository& how = *into;
    DAVIT_TRY_VOID(read_mapping(node, place,
                                {{"immutable", truth(how.immutable)},
                                 {"mutable_tags",
                                  [&](const YAML::Node& value, const Place& at) -> Result<> {
                                    DAVIT_TRY(const auto texts, filled_texts_of(value, at));
                                    how.mutable_tags.clear();
                                    for (const FilledText& each : texts)
                                      how.mutable_tags.push_back(each.text);
                                    return {};
                                  }},
                                 {"scan", truth(how.scan)},
                                 {"kms_key", text(how.kms_key)},
                                 {"resource_tags", stored(how.resource_tags, tags_of)},
                                 {"lifecycle_policy", stored(how.lifecycle_policy, policy_of)}}));
    if (!how.mutable_tags.empty() && !how.immutable)
      return place.wrong(node, "has mutable_tags, but is not immutable");
    return {};
  };
}

}  // namespace davit::config
