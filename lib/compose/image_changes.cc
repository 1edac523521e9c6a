// Changes of what containers of an image run with, and of what is said about it.

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "compose/image_edit.h"
#include "model/timestamp.h"

namespace davit::compose {
namespace {

using json = nlohmann::ordered_json;

/// "NAME=VALUE" in the place where NAME was, else at the end. A name that is there twice is there once then.
void set_variable(json& list, const Setting& setting) {
  const auto names_it = [&](const json& entry) {
    const auto& text = entry.get_ref<const std::string&>();
    return text.substr(0, text.find('=')) == setting.name;
  };
  if (!list.is_array()) list = json::array();
  json out = json::array();
  bool placed = false;
  for (json& entry : list) {
    if (!names_it(entry)) {
      out.push_back(std::move(entry));
    } else if (setting.value && !std::exchange(placed, true)) {
      out.push_back(setting.name + "=" + *setting.value);
    }
  }
  if (setting.value && !placed) out.push_back(setting.name + "=" + *setting.value);
  list = std::move(out);
}

/// Sets and removes members of the object `name`; an object that ends up empty goes.
void set_members(json& parent, const char* name, std::span<const Setting> settings) {
  if (settings.empty()) return;
  json& object = parent[name];
  if (!object.is_object()) object = json::object();
  for (const Setting& setting : settings) {
    if (setting.value) {
      object[setting.name] = *setting.value;
    } else {
      object.erase(setting.name);
    }
  }
  if (object.empty()) parent.erase(name);
}

void set_text(json& parent, const char* name, const std::string& value) {
  if (value.empty()) {
    parent.erase(name);
  } else {
    parent[name] = value;
  }
}

void set_list(json& parent, const char* name, const std::vector<std::string>& values) {
  if (values.empty()) {
    parent.erase(name);
  } else {
    parent[name] = values;
  }
}

/// "8080/tcp", as the configuration has it.
Result<std::string> full_port(const std::string& text) {
  const auto slash = text.find('/');
  const std::string number = text.substr(0, slash);
  const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
  const bool digits = !number.empty() && number.size() <= 5 && std::ranges::all_of(number, is_digit);
  const int value = digits ? std::stoi(number) : 0;
  const bool known = protocol == "tcp" || protocol == "udp" || protocol == "sctp";
  if (value < 1 || value > 65535 || !known)
    return make_error(Errc::invalid_argument, escaped(text, 80) + ": not a port",
                      "write 8080, 8080/tcp, 53/udp or 5000/sctp");
  return std::to_string(value) + "/" + protocol;
}

Result<> set_ports(json& settings, const std::vector<std::string>& ports) {
  settings.erase("ExposedPorts");
  for (const std::string& port : ports) {
    DAVIT_TRY(const std::string full, full_port(port));
    settings["ExposedPorts"][full] = json::object();
  }
  return {};
}

void set_platform(json& config, const Platform& platform) {
  config["architecture"] = platform.architecture;
  config["os"] = platform.os;
  set_text(config, "variant", platform.variant);
  set_text(config, "os.version", platform.os_version);
  set_list(config, "os.features", platform.os_features);
}

/// Whether anything in the member `config` is to change.
bool touches_settings(const ImageChanges& changes) {
  return !changes.environment.empty() || !changes.labels.empty() || changes.entrypoint || changes.command ||
         changes.user || changes.working_directory || changes.exposed_ports;
}

Result<> change_settings(json& settings, const ImageChanges& changes) {
  for (const Setting& variable : changes.environment) set_variable(settings["Env"], variable);
  if (!changes.environment.empty() && settings["Env"].empty()) settings.erase("Env");
  set_members(settings, "Labels", changes.labels);
  if (changes.entrypoint) {
    set_list(settings, "Entrypoint", *changes.entrypoint);
    if (!changes.command) settings.erase("Cmd");
  }
  if (changes.command) set_list(settings, "Cmd", *changes.command);
  if (changes.user) set_text(settings, "User", *changes.user);
  if (changes.working_directory) set_text(settings, "WorkingDir", *changes.working_directory);
  if (changes.exposed_ports) DAVIT_TRY_VOID(set_ports(settings, *changes.exposed_ports));
  return {};
}

}  // namespace

Result<ImageDocuments> change(const ImageDocuments& image, const ImageChanges& changes,
                              std::optional<Timestamp> time) {
  DAVIT_TRY(ImageDraft draft, ImageDraft::open(image));
  const bool annotated =
      std::ranges::any_of(changes.annotations, [](const Setting& one) { return one.value.has_value(); });
  if (annotated) DAVIT_TRY_VOID(draft.convert(model::Format::oci));
  set_members(draft.manifest(), "annotations", changes.annotations);
  if (touches_settings(changes)) {
    const json before = draft.config().value("config", json());
    DAVIT_TRY_VOID(change_settings(draft.settings(), changes));
    if (draft.settings().empty() && !before.is_object()) draft.config().erase("config");
  }
  if (changes.platform) set_platform(draft.config(), *changes.platform);
  const std::optional<Timestamp> created = changes.created ? changes.created : time;
  if (created) draft.config()["created"] = model::format_timestamp(*created);
  return draft.finish();
}

}  // namespace davit::compose
