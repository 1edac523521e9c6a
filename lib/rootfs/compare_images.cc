#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <davit/diff.h>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "content/read_config.h"

namespace davit {
namespace {

using nlohmann::json;

std::string text(const json& value) {
  return value.is_null() ? std::string() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Objects are compared member by member, everything else as a whole.
void compare(const json& first, const json& second, const std::string& name,
             std::vector<ComparedValue>& out) {
  struct Pair {
    std::string name;
    const json* first;
    const json* second;
  };
  static const json kAbsent;
  std::vector<Pair> waiting{{name, &first, &second}};
  while (!waiting.empty()) {
    const Pair here = std::move(waiting.back());
    waiting.pop_back();
    if (*here.first == *here.second) continue;
    if (!here.first->is_object() || !here.second->is_object()) {
      out.push_back({here.name, text(*here.first), text(*here.second)});
      continue;
    }
    std::set<std::string> names;
    for (const auto& [key, value] : here.first->items()) names.insert(key);
    for (const auto& [key, value] : here.second->items()) names.insert(key);
    for (const std::string& key : names) {
      const auto a = here.first->find(key);
      const auto b = here.second->find(key);
      waiting.push_back({here.name.empty() ? key : here.name + "." + key,
                         a == here.first->end() ? &kAbsent : &*a, b == here.second->end() ? &kAbsent : &*b});
    }
  }
  std::ranges::sort(out, {}, &ComparedValue::name);
}

/// Null when it is no JSON object; then only the digest is known.
Result<json> config_of(ContentSource& source, const Manifest& image, const CallContext& context) {
  if (!image.config()) return json();
  DAVIT_TRY(const std::string bytes, content::read_config(source, *image.config(), context));
  auto parsed = parse_json(bytes);
  if (!parsed || !parsed->is_object()) return json(image.config()->digest.to_string());
  parsed->erase("rootfs");
  return *std::move(parsed);
}

json stated_by(const Manifest& image) {
  json out{{"mediaType", image.descriptor().media_type}};
  if (!image.artifact_type().empty()) out["artifactType"] = image.artifact_type();
  if (!image.annotations().empty()) out["annotations"] = image.annotations();
  if (image.config()) out["config.mediaType"] = image.config()->media_type;
  if (image.subject()) out["subject"] = image.subject()->digest.to_string();
  return out;
}

std::vector<ComparedLayer> compare_layers(const Manifest& first, const Manifest& second) {
  std::vector<ComparedLayer> out;
  const auto add = [&out](const Descriptor& layer, bool ComparedLayer::*in) {
    auto place = std::ranges::find(out, layer.digest, [](const ComparedLayer& l) { return l.layer.digest; });
    if (place == out.end()) place = out.insert(out.end(), ComparedLayer{.layer = layer});
    (*place).*in = true;
  };
  for (const Descriptor& layer : first.layers()) add(layer, &ComparedLayer::in_first);
  for (const Descriptor& layer : second.layers()) add(layer, &ComparedLayer::in_second);
  return out;
}

}  // namespace

Result<ImageComparison> compare_images(ContentSource& first_source, const Manifest& first,
                                       ContentSource& second_source, const Manifest& second,
                                       const CallContext& context) {
  if (first.is_index() || second.is_index()) {
    return make_error(Errc::unsupported, "an index is not one image",
                      "choose one of its platforms with --platform");
  }
  ImageComparison out{.equal = first.descriptor().digest == second.descriptor().digest,
                      .layers = compare_layers(first, second),
                      .manifest = {},
                      .config = {}};
  if (out.equal) return out;
  compare(stated_by(first), stated_by(second), {}, out.manifest);
  const bool same_config =
      first.config() && second.config() && first.config()->digest == second.config()->digest;
  if (same_config) return out;
  DAVIT_TRY(const json config_a, config_of(first_source, first, context));
  DAVIT_TRY(const json config_b, config_of(second_source, second, context));
  compare(config_a, config_b, {}, out.config);
  return out;
}

}  // namespace davit
