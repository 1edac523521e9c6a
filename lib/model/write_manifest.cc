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

}  // namespace davit::model
