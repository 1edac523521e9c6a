// What layers are put on where there is no base.

#include <memory>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <davit/empty_image.h>

#include "base/error.h"
#include "base/try.h"
#include "content/overlay.h"
#include "io/memory.h"
#include "model/write_manifest.h"

namespace davit {

Result<OpenedImage> empty_image(const Platform& platform) try {
  nlohmann::ordered_json config = model::platform_json(platform);
  config["config"] = nlohmann::ordered_json::object();
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", nlohmann::ordered_json::array()}};
  const auto blob =
      std::make_shared<const io::MemoryContent>(config.dump(), std::string(model::kDockerConfig));
  const std::vector<Descriptor> no_layers;
  DAVIT_TRY(
      Manifest manifest,
      Manifest::parse(model::image_manifest(model::Format::docker, *blob->descriptor(), no_layers), {}));
  OpenedImage out{.source = {},
                  .root = manifest.descriptor(),
                  .name = "an empty image",
                  .reference = {},
                  .names = {},
                  .notes = {},
                  .made = true};
  content::Additions own;
  own.blobs.push_back(blob);
  own.manifests.push_back(std::move(manifest));
  out.source = content::overlay(nullptr, std::move(own));
  return out;
} catch (const nlohmann::json::type_error&) {
  return make_error(Errc::invalid_argument, "the platform of a new image is no UTF-8 text");
}

}  // namespace davit
