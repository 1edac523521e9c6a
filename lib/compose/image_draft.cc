#include "compose/image_draft.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "content/rewrite.h"
#include "model/json_fields.h"
#include "model/timestamp.h"

namespace davit::compose {
namespace {

using json = nlohmann::ordered_json;

bool made_layer(const json& entry) {
  const auto empty = entry.find("empty_layer");
  return empty == entry.end() || !empty->is_boolean() || !empty->get<bool>();
}

/// What edits go by has the right type.
Result<> check_shape(const nlohmann::json& config) {
  DAVIT_TRY_VOID(refuse_case_variants(config, {"config", "created", "history", "rootfs"}));
  if (const auto settings = config.find("config"); settings != config.end() && !settings->is_null()) {
    if (!settings->is_object()) return make_error(Errc::corrupt, "config that is not an object");
    DAVIT_TRY_VOID(refuse_case_variants(
        *settings, {"Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "User", "WorkingDir"}));
    DAVIT_TRY(const auto environment, model::text_list_field(*settings, "Env"));
    DAVIT_TRY(const auto labels, model::text_map_field(*settings, "Labels"));
  }
  const auto history = config.find("history");
  if (history == config.end() || history->is_null()) return {};
  const bool fits = history->is_array() && std::ranges::all_of(*history, [](const nlohmann::json& entry) {
                      return entry.is_object();
                    });
  if (!fits) return make_error(Errc::corrupt, "history that is not a list of objects");
  return {};
}

}  // namespace

model::Format format_of(const Manifest& manifest) {
  const std::string type = model::essence(manifest.descriptor().media_type);
  return type == model::kDockerManifest || type == model::kDockerList ? model::Format::docker
                                                                      : model::Format::oci;
}

bool is_editable(const Manifest& manifest) {
  return manifest.config() && model::is_image_config(model::essence(manifest.config()->media_type)) &&
         std::ranges::all_of(manifest.layers(), [](const Descriptor& layer) {
           return model::is_layer(model::essence(layer.media_type));
         });
}

std::size_t layers_in(const json& history) {
  return static_cast<std::size_t>(std::ranges::count_if(history, made_layer));
}

std::size_t history_below(const json& history, std::size_t layers) {
  std::size_t entries = 0;
  for (std::size_t seen = 0; entries < history.size() && seen < layers; ++entries)
    seen += made_layer(history[entries]) ? 1 : 0;
  return entries;
}

json dated(json history, const std::string& created) {
  for (json& entry : history) {
    if (entry.empty()) entry["created"] = created;
  }
  return history;
}

struct ImageDraft::State {
  ImageDocuments before;
  model::ImageConfig parsed;
  json config;
  json manifest;
  std::optional<Manifest> converted = {};

  [[nodiscard]] const Manifest& frame() const { return converted ? *converted : before.manifest; }
};

ImageDraft::ImageDraft(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImageDraft::ImageDraft(ImageDraft&&) noexcept = default;
ImageDraft& ImageDraft::operator=(ImageDraft&&) noexcept = default;
ImageDraft::~ImageDraft() = default;

Result<ImageDraft> ImageDraft::open(const ImageDocuments& image) {
  if (!is_editable(image.manifest)) return make_error(Errc::unsupported, "no container image");
  DAVIT_TRY(const nlohmann::json document, parse_json(image.config));
  DAVIT_TRY(model::ImageConfig parsed, model::ImageConfig::parse(image.config));
  DAVIT_TRY_VOID(check_shape(document));
  if (parsed.diff_ids.size() != image.manifest.layers().size()) {
    return make_error(Errc::corrupt, "an image of " + std::to_string(image.manifest.layers().size()) +
                                         " layers whose configuration lists " +
                                         std::to_string(parsed.diff_ids.size()));
  }
  return ImageDraft(std::make_unique<State>(State{.before = image,
                                                  .parsed = std::move(parsed),
                                                  .config = json::parse(image.config),
                                                  .manifest = json::parse(image.manifest.bytes())}));
}

json& ImageDraft::config() {
  return state_->config;
}

json& ImageDraft::settings() {
  json& settings = state_->config["config"];
  if (settings.is_null()) settings = json::object();
  return settings;
}

json& ImageDraft::manifest() {
  return state_->manifest;
}

const model::ImageConfig& ImageDraft::parsed() const {
  return state_->parsed;
}

model::Format ImageDraft::format() const {
  return format_of(state_->frame());
}

Result<> ImageDraft::convert(model::Format format) {
  if (format == this->format()) return {};
  content::Rewriter rewriter(format);
  DAVIT_TRY(state_->converted, rewriter.rewrite(state_->before.manifest));
  state_->manifest = json::parse(state_->converted->bytes());
  return {};
}

json& ImageDraft::diff_ids() {
  json& root = state_->config["rootfs"];
  if (root.is_null()) root = json{{"type", "layers"}};
  json& list = root["diff_ids"];
  if (list.is_null()) list = json::array();
  return list;
}

json& ImageDraft::whole_history() {
  json& history = state_->config["history"];
  const std::size_t layers = state_->parsed.diff_ids.size();
  if (!history.is_array() || layers_in(history) > layers) history = json::array();
  // Those that are missing are the lowest: builders know what they did themselves.
  const std::size_t missing = layers - layers_in(history);
  if (missing != 0) history.insert(history.begin(), missing, json::object());
  return history;
}

std::string ImageDraft::created() const {
  const auto created = state_->config.find("created");
  const bool said = created != state_->config.end() && created->is_string() &&
                    model::parse_timestamp(created->get<std::string>());
  return said ? created->get<std::string>() : model::format_timestamp(std::chrono::sys_seconds());
}

Result<ImageDocuments> ImageDraft::finish() const try {
  const bool same_config = state_->config == json::parse(state_->before.config);
  std::string config = same_config ? state_->before.config : state_->config.dump();
  json manifest = state_->manifest;
  if (!same_config) {
    const Digest::Algorithm algorithm = state_->before.manifest.config()->digest.algorithm();
    json& descriptor = manifest["config"];
    descriptor["digest"] = Digest::of(config, algorithm).to_string();
    descriptor["size"] = config.size();
    descriptor.erase("data");
  }
  const Descriptor& frame = state_->frame().descriptor();
  if (manifest == json::parse(state_->frame().bytes()))
    return ImageDocuments{.manifest = state_->frame(), .config = std::move(config)};
  DAVIT_TRY(Manifest written, Manifest::parse(manifest.dump(), frame.media_type, frame.digest.algorithm()));
  return ImageDocuments{.manifest = std::move(written), .config = std::move(config)};
} catch (const json::type_error&) {  // what was read is text: only what was given can be none
  return make_error(Errc::invalid_argument, "an image says UTF-8 text, and what it should say is none");
}

}  // namespace davit::compose
