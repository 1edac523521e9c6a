#include <davit/image_details.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "model/image_config.h"
#include "model/json_fields.h"

namespace davit {
namespace {

using model::text_field;
using model::text_list_field;
using nlohmann::json;

/// A member that is an object or absent; null when it is absent.
Result<const json*> object_field(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return nullptr;
  if (!found->is_object()) return make_error(Errc::corrupt, std::string(name) + " is not an object");
  return &*found;
}

/// Docker writes sets as objects whose values say nothing.
Result<std::vector<std::string>> names_field(const json& object, const char* name) {
  std::vector<std::string> out;
  DAVIT_TRY(const json* set, object_field(object, name));
  if (set == nullptr) return out;
  for (const auto& [key, value] : set->items()) out.push_back(key);
  return out;
}

Result<ImageDetails::Step> step(const json& entry) {
  if (!entry.is_object()) return make_error(Errc::corrupt, "history holds something that is not an object");
  ImageDetails::Step out;
  DAVIT_TRY(out.created, text_field(entry, "created"));
  DAVIT_TRY(out.created_by, text_field(entry, "created_by"));
  DAVIT_TRY(out.author, text_field(entry, "author"));
  DAVIT_TRY(out.comment, text_field(entry, "comment"));
  const auto empty = entry.find("empty_layer");
  if (empty == entry.end() || empty->is_null()) return out;
  if (!empty->is_boolean()) return make_error(Errc::corrupt, "empty_layer is neither true nor false");
  out.empty_layer = empty->get<bool>();
  return out;
}

/// The member `config`: how a container is started.
Result<> read_runtime(const json& config, ImageDetails& out) {
  DAVIT_TRY(out.user, text_field(config, "User"));
  DAVIT_TRY(out.working_directory, text_field(config, "WorkingDir"));
  DAVIT_TRY(out.stop_signal, text_field(config, "StopSignal"));
  DAVIT_TRY(out.environment, text_list_field(config, "Env"));
  DAVIT_TRY(out.entrypoint, text_list_field(config, "Entrypoint"));
  DAVIT_TRY(out.command, text_list_field(config, "Cmd"));
  DAVIT_TRY(out.exposed_ports, names_field(config, "ExposedPorts"));
  DAVIT_TRY(out.volumes, names_field(config, "Volumes"));
  DAVIT_TRY(out.labels, model::text_map_field(config, "Labels"));
  return {};
}

Result<> read_history(const json& document, ImageDetails& out) {
  const auto history = document.find("history");
  if (history == document.end() || history->is_null()) return {};
  if (!history->is_array()) return make_error(Errc::corrupt, "history is not a list");
  for (const json& entry : *history) {
    DAVIT_TRY(out.history.emplace_back(), step(entry));
  }
  return {};
}

}  // namespace

Result<ImageDetails> ImageDetails::parse(std::string_view bytes) {
  DAVIT_TRY(const json document, parse_json(bytes));
  DAVIT_TRY(const model::ImageConfig config, model::ImageConfig::from(document));
  ImageDetails out;
  out.platform = config.platform;
  out.diff_ids = config.diff_ids;
  DAVIT_TRY(out.created, text_field(document, "created"));
  DAVIT_TRY(out.author, text_field(document, "author"));
  DAVIT_TRY(out.docker_version, text_field(document, "docker_version"));
  DAVIT_TRY(const json* runtime, object_field(document, "config"));
  if (runtime != nullptr) DAVIT_TRY_VOID(read_runtime(*runtime, out));
  DAVIT_TRY_VOID(read_history(document, out));
  return out;
}

std::vector<std::size_t> ImageDetails::steps_of_layers(std::size_t layers) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (!history[i].empty_layer) out.push_back(i);
  }
  if (out.size() != layers) out.clear();
  return out;
}

}  // namespace davit
