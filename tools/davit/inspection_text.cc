#include "inspection_text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kStepWidth = 100;

std::string line(const std::string& name, const std::string& value) {
  if (value.empty()) return {};
  std::string out = name + ":";
  out.resize(std::max<std::size_t>(out.size() + 1, 12), ' ');
  return out + printable(value) + "\n";
}

/// ["sh","-c","x y"] as JSON writes it: whoever splits it at spaces would be wrong.
std::string words(const std::vector<std::string>& list) {
  return list.empty() ? std::string() : json(list).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? "" : ", ") + each;
  return out;
}

/// The registry's name for it, without the tag; a file's as it was written.
std::string name_of(const OpenedImage& image) {
  return image.reference ? image.reference->name() : image.name;
}

std::string platform_of(const ListedImage& entry) {
  if (entry.attestation) return "attestation";
  if (entry.manifest.platform) return printable(entry.manifest.platform->to_string(), 80);
  return entry.manifest.artifact_type.empty() ? "-" : printable(entry.manifest.artifact_type, 80);
}

std::string platforms_text(const Inspection& found) {
  std::string out = "Platforms:\n";
  std::size_t width = 0;
  for (const ListedImage& each : found.images) width = std::max(width, platform_of(each).size());
  for (const ListedImage& each : found.images) {
    std::string name = platform_of(each);
    name.resize(width, ' ');
    out += "  " + name + "  " + each.manifest.digest.to_string() +
           (each.size ? "  " + human_size(*each.size) : std::string()) + "\n";
  }
  return out;
}

std::string details_text(const ImageDetails& details) {
  std::string out = line("Platform", details.platform.to_string()) + line("Created", details.created) +
                    line("Author", details.author) + line("User", details.user) +
                    line("Directory", details.working_directory) +
                    line("Entrypoint", words(details.entrypoint)) + line("Command", words(details.command)) +
                    line("Ports", joined(details.exposed_ports)) + line("Volumes", joined(details.volumes)) +
                    line("Stop", details.stop_signal);
  if (!details.environment.empty()) out += "Environment:\n";
  for (const std::string& each : details.environment) out += "  " + printable(each) + "\n";
  if (!details.labels.empty()) out += "Labels:\n";
  for (const auto& [key, value] : details.labels)
    out += "  " + printable(key) + "=" + printable(value) + "\n";
  return out;
}

std::string layer_line(const Descriptor& layer, const std::string& made_by) {
  std::string size = human_size(layer.size);
  size.insert(0, size.size() < 9 ? 9 - size.size() : 0, ' ');
  return "  " + layer.digest.to_string() + "  " + size + (made_by.empty() ? "" : "  " + made_by) + "\n";
}

/// The layers, each with the step that made it, and the other steps between them.
std::string layers_text(const Manifest& image, const ImageDetails* details) {
  const std::vector<Descriptor>& layers = image.layers();
  std::string out = layers.empty() ? "" : is_container_image(image) ? "Layers:\n" : "Blobs:\n";
  const auto steps =
      details != nullptr ? details->steps_of_layers(layers.size()) : std::vector<std::size_t>();
  if (steps.size() != layers.size() || steps.empty()) {
    for (const Descriptor& layer : layers) out += layer_line(layer, printable(layer.media_type, 100));
    return out;
  }
  std::size_t layer = 0;
  for (const ImageDetails::Step& step : details->history) {
    const std::string made_by =
        printable(step.created_by.empty() ? step.comment : step.created_by, kStepWidth);
    if (step.empty_layer) {
      out += "  " + std::string(71, ' ') + "          -  " + made_by + "\n";
    } else {
      out += layer_line(layers[layer++], made_by);
    }
  }
  return out;
}

json layer_json(const Descriptor& layer) {
  json out{{"MIMEType", layer.media_type}, {"Digest", layer.digest.to_string()}, {"Size", layer.size}};
  out["Annotations"] = layer.annotations.empty() ? json() : json(layer.annotations);
  return out;
}

json platform_json(const ListedImage& entry) {
  json out{{"Digest", entry.manifest.digest.to_string()}, {"MediaType", entry.manifest.media_type}};
  if (entry.manifest.platform) out["Platform"] = entry.manifest.platform->to_string();
  if (entry.attestation) out["Attestation"] = true;
  if (entry.size) out["Size"] = *entry.size;
  return out;
}

json step_json(const ImageDetails::Step& step) {
  json out;
  if (!step.created.empty()) out["created"] = step.created;
  if (!step.created_by.empty()) out["created_by"] = step.created_by;
  if (!step.author.empty()) out["author"] = step.author;
  if (!step.comment.empty()) out["comment"] = step.comment;
  if (step.empty_layer) out["empty_layer"] = true;
  return out;
}

}  // namespace

std::string inspection_text(const OpenedImage& image, const Inspection& found) {
  const Descriptor& root = found.root.descriptor();
  std::string out =
      line("Name", image.name) + line("Digest", root.digest.to_string()) + line("Type", root.media_type);
  if (image.made) out += line("Note", kAsStored);
  if (found.root.is_index()) out += platforms_text(found);
  if (!found.image) return out + "No image in it is for " + Platform::host().to_string() + ".\n";
  const Manifest& manifest = *found.image;
  if (found.root.is_index()) out += line("Image", manifest.descriptor().digest.to_string());
  if (!is_container_image(manifest)) out += line("Artifact", artifact_type_of(manifest));
  out += line("Size", human_size(stored_size(manifest)) + " in " + std::to_string(manifest.layers().size()) +
                          (is_container_image(manifest) ? " layers" : " blobs") +
                          (image.made ? ", before compression" : ""));
  if (manifest.subject()) out += line("Subject", manifest.subject()->digest.to_string());
  if (found.details) out += details_text(*found.details);
  if (!manifest.annotations().empty()) out += "Annotations:\n";
  for (const auto& [key, value] : manifest.annotations())
    out += "  " + printable(key) + "=" + printable(value) + "\n";
  return out + layers_text(manifest, found.details ? &*found.details : nullptr);
}

std::string inspection_json(const OpenedImage& image, const Inspection& found, bool no_tags) {
  const Descriptor& root = found.root.descriptor();
  json out{{"Name", name_of(image)}, {"Digest", root.digest.to_string()}};
  if (no_tags) out["RepoTags"] = json::array();
  if (found.details) {
    const ImageDetails& details = *found.details;
    out["Created"] = details.created.empty() ? json() : json(details.created);
    out["DockerVersion"] = details.docker_version;
    out["Labels"] = details.labels.empty() ? json() : json(details.labels);
    out["Architecture"] = details.platform.architecture;
    if (!details.platform.variant.empty()) out["Variant"] = details.platform.variant;
    out["Os"] = details.platform.os;
  }
  if (found.image) {
    out["Layers"] = json::array();
    out["LayersData"] = json::array();
    for (const Descriptor& layer : found.image->layers()) {
      out["Layers"].push_back(layer.digest.to_string());
      out["LayersData"].push_back(layer_json(layer));
    }
  }
  if (found.details) out["Env"] = found.details->environment;
  out["MediaType"] = root.media_type;
  if (found.root.is_index()) {
    out["Platforms"] = json::array();
    for (const ListedImage& each : found.images) out["Platforms"].push_back(platform_json(each));
  }
  if (!found.image) return json_text(out);
  if (found.root.is_index()) out["ImageDigest"] = found.image->descriptor().digest.to_string();
  if (!is_container_image(*found.image)) out["ArtifactType"] = artifact_type_of(*found.image);
  if (!found.image->annotations().empty()) out["Annotations"] = found.image->annotations();
  out["Size"] = stored_size(*found.image);
  if (!found.details) return json_text(out);
  const ImageDetails& details = *found.details;
  if (!details.author.empty()) out["Author"] = details.author;
  if (!details.user.empty()) out["User"] = details.user;
  if (!details.working_directory.empty()) out["WorkingDir"] = details.working_directory;
  if (!details.entrypoint.empty()) out["Entrypoint"] = details.entrypoint;
  if (!details.command.empty()) out["Cmd"] = details.command;
  if (!details.exposed_ports.empty()) out["ExposedPorts"] = details.exposed_ports;
  if (!details.volumes.empty()) out["Volumes"] = details.volumes;
  if (!details.stop_signal.empty()) out["StopSignal"] = details.stop_signal;
  out["History"] = json::array();
  for (const ImageDetails::Step& step : details.history) out["History"].push_back(step_json(step));
  return json_text(out);
}

}  // namespace davit::tool
