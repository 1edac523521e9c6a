// Documents of others that are edited: what comes out says what it should, and what stays keeps its bytes.
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "model/json_rewrite.h"

namespace {

using Json = nlohmann::ordered_json;

void expect(bool holds) {
  if (!holds) __builtin_trap();
}

/// Every second thing goes, the others are edited in turn, and something comes.
void edit(Json& value) {
  Json out = value.is_object() ? Json::object() : Json::array();
  bool stays = false;
  for (auto& [name, each] : value.items()) {
    stays = !stays;
    if (!stays) continue;
    if (each.is_structured()) edit(each);
    if (value.is_object()) {
      out[name] = each;
    } else {
      out.push_back(each);
    }
  }
  if (value.is_array()) out.push_back("new");
  value = std::move(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(davit::model::json_pieces(text));
  static_cast<void>(davit::model::json_member_value(text));
  static_cast<void>(davit::model::json_elements(text, "manifests"));
  if (!davit::parse_json(text)) return 0;
  Json document = Json::parse(text);
  expect(davit::model::rewritten_json(text, document) == text);
  if (!document.is_structured()) return 0;
  edit(document);
  expect(Json::parse(davit::model::rewritten_json(text, document)) == document);
  const std::string more[] = {"1.50"};
  if (document.is_object()) {
    document["manifests"] = Json::array();
    const std::string with = davit::model::with_elements(document.dump(), "manifests", more);
    expect(davit::model::json_elements(with, "manifests").size() == 1);
  }
  return 0;
}
