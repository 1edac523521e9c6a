#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <davit/diff.h>
#include <davit/inspect.h>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "content/read_config.h"
#include "model/image_config.h"

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

struct Config {
  json document;  ///< without rootfs. Not an object when that is all that is known: then only the digest
  std::vector<Digest> diff_ids = {};  ///< of the layers, or nothing
};

Result<Config> config_of(ContentSource& source, const Manifest& image, const CallContext& context) {
  if (!image.config()) return Config{};
  DAVIT_TRY(const std::string bytes, content::read_config(source, *image.config(), context));
  auto parsed = parse_json(bytes);
  if (!parsed || !parsed->is_object()) return Config{.document = image.config()->digest.to_string()};
  Config out;
  if (auto read = model::ImageConfig::from(*parsed);
      is_container_image(image) && read && read->diff_ids.size() == image.layers().size())
    out.diff_ids = std::move(read->diff_ids);
  parsed->erase("rootfs");
  out.document = *std::move(parsed);
  return out;
}

json stated_by(const Manifest& image) {
  json out{{"mediaType", image.descriptor().media_type}};
  if (!image.artifact_type().empty()) out["artifactType"] = image.artifact_type();
  if (!image.annotations().empty()) out["annotations"] = image.annotations();
  if (image.config()) out["config.mediaType"] = image.config()->media_type;
  if (image.subject()) out["subject"] = image.subject()->digest.to_string();
  return out;
}

/// Layers are looked for by their blobs and by what they unpack to.
class LayerComparison {
 public:
  void add(const Descriptor& layer, const Digest* diff_id, bool ComparedLayer::*in) {
    const std::size_t place = place_of(layer, diff_id);
    if (place == out_.size()) out_.push_back({.layer = layer});
    blobs_.emplace(layer.digest, place);
    if (diff_id != nullptr) diff_ids_.emplace(*diff_id, place);
    ComparedLayer& same = out_[place];
    same.*in = true;
    if (same.in_first && in == &ComparedLayer::in_second && same.layer.digest != layer.digest)
      same.second = layer;
  }
  std::vector<ComparedLayer> take() { return std::move(out_); }

 private:
  [[nodiscard]] std::size_t place_of(const Descriptor& layer, const Digest* diff_id) const {
    if (const auto blob = blobs_.find(layer.digest); blob != blobs_.end()) return blob->second;
    const auto plain = diff_id == nullptr ? diff_ids_.end() : diff_ids_.find(*diff_id);
    return plain == diff_ids_.end() ? out_.size() : plain->second;
  }

  std::vector<ComparedLayer> out_;
  std::map<Digest, std::size_t> blobs_;
  std::map<Digest, std::size_t> diff_ids_;
};

std::vector<ComparedLayer> compare_layers(const Manifest& first, const Config& first_config,
                                          const Manifest& second, const Config& second_config) {
  LayerComparison out;
  const auto add_all = [&](const Manifest& image, const Config& config, bool ComparedLayer::*in) {
    for (std::size_t i = 0; i < image.layers().size(); ++i)
      out.add(image.layers()[i], i < config.diff_ids.size() ? &config.diff_ids[i] : nullptr, in);
  };
  add_all(first, first_config, &ComparedLayer::in_first);
  add_all(second, second_config, &ComparedLayer::in_second);
  return out.take();
}

/// Whether both have the same layers in the same order.
bool same_layers(const Manifest& first, const Config& first_config, const Manifest& second,
                 const Config& second_config) {
  if (first.layers().size() != second.layers().size()) return false;
  if (!first_config.diff_ids.empty() && !second_config.diff_ids.empty())
    return first_config.diff_ids == second_config.diff_ids;
  return std::ranges::equal(first.layers(), second.layers(), {}, &Descriptor::digest, &Descriptor::digest);
}

}  // namespace

Result<ImageComparison> compare_images(ContentSource& first_source, const Manifest& first,
                                       ContentSource& second_source, const Manifest& second,
                                       const CallContext& context, const CompareOptions& options) {
  if (first.is_index() || second.is_index()) {
    return make_error(Errc::unsupported, "an index is not one image",
                      "choose one of its platforms with --platform");
  }
  ImageComparison out{.equal = first.descriptor().digest == second.descriptor().digest,
                      .layers = {},
                      .manifest = {},
                      .config = {}};
  if (out.equal) {
    out.layers = compare_layers(first, {}, second, {});
    return out;
  }
  const bool made = options.first_made || options.second_made;
  if (!made) compare(stated_by(first), stated_by(second), {}, out.manifest);
  const bool same_config =
      first.config() && second.config() && first.config()->digest == second.config()->digest;
  DAVIT_TRY(const Config config_a, config_of(first_source, first, context));
  Config config_b = config_a;
  if (!same_config) {
    DAVIT_TRY(config_b, config_of(second_source, second, context));
  }
  out.layers = compare_layers(first, config_a, second, config_b);
  compare(config_a.document, config_b.document, {}, out.config);
  out.equal = made && out.config.empty() && same_layers(first, config_a, second, config_b);
  return out;
}

}  // namespace davit
