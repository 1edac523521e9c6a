#include "model/write_manifest.h"

#include <nlohmann/json.hpp>

namespace davit::model {
namespace {

nlohmann::ordered_json to_json(const Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type},
          {"size", descriptor.size},
          {"digest", descriptor.digest.to_string()}};
}

}  // namespace

std::string image_manifest(Format format, const Descriptor& config, const std::vector<Descriptor>& layers) {
  nlohmann::ordered_json document{{"schemaVersion", 2},
                                  {"mediaType", format == Format::oci ? kOciManifest : kDockerManifest},
                                  {"config", to_json(config)},
                                  {"layers", nlohmann::ordered_json::array()}};
  for (const Descriptor& layer : layers) document["layers"].push_back(to_json(layer));
  return document.dump(3);  // three spaces, as docker writes it
}

std::string index_manifest(Format format, std::span<const Descriptor> entries,
                           const std::map<std::string, std::string>& annotations) {
  nlohmann::ordered_json document{{"schemaVersion", 2},
                                  {"mediaType", format == Format::oci ? kOciIndex : kDockerList},
                                  {"manifests", nlohmann::ordered_json::array()}};
  for (const Descriptor& entry : entries) document["manifests"].push_back(entry_json(entry));
  if (!annotations.empty()) document["annotations"] = annotations;
  return document.dump();
}

nlohmann::ordered_json entry_json(const Descriptor& entry) {
  nlohmann::ordered_json out{
      {"mediaType", entry.media_type}, {"digest", entry.digest.to_string()}, {"size", entry.size}};
  if (!entry.urls.empty()) out["urls"] = entry.urls;
  if (!entry.annotations.empty()) out["annotations"] = entry.annotations;
  if (entry.platform) out["platform"] = platform_json(*entry.platform);
  if (!entry.artifact_type.empty()) out["artifactType"] = entry.artifact_type;
  return out;
}

nlohmann::ordered_json platform_json(const Platform& platform) {
  nlohmann::ordered_json out{{"architecture", platform.architecture}, {"os", platform.os}};
  if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
  if (!platform.os_features.empty()) out["os.features"] = platform.os_features;
  if (!platform.variant.empty()) out["variant"] = platform.variant;
  return out;
}

}  // namespace davit::model
