#include <algorithm>
#include <map>
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

/// A member's name begins with those of all that it is in, so neither may be without end.
constexpr std::size_t kLongestName = 1024;
constexpr std::size_t kMostValues = 10'000;

/// Objects are compared member by member, everything else as a whole; so are objects whose members' names
/// would be too long, or too many.
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
    std::set<std::string> names;
    std::size_t longest = 0;
    if (here.first->is_object() && here.second->is_object()) {
      for (const json* side : {here.first, here.second}) {
        for (const auto& [key, value] : side->items()) {
          longest = std::max(longest, key.size());
          names.insert(key);
        }
      }
    }
    if (names.empty() || here.name.size() + 1 + longest > kLongestName ||
        out.size() + waiting.size() + names.size() > kMostValues) {
      out.push_back({here.name, text(*here.first), text(*here.second)});
      continue;
    }
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
  std::map<Digest, std::size_t> places;
  const auto add = [&](const Descriptor& layer, bool ComparedLayer::*in) {
    const auto [place, added] = places.emplace(layer.digest, out.size());
    if (added) out.push_back({.layer = layer});
    out[place->second].*in = true;
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
