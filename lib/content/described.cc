#include "content/described.h"

#include <algorithm>

#include "base/try.h"
#include "content/known_content.h"
#include "content/overlay.h"
#include "io/measure.h"
#include "io/memory.h"
#include "model/write_manifest.h"

namespace davit::content {
namespace {

Result<Descriptor> describe(const RawLayer& layer, const CallContext& context) {
  Descriptor out;
  out.digest = layer.diff_id;
  out.size = layer.size;
  if (layer.stored == model::Compression::none) return out;
  DAVIT_TRY(const auto opened, layer.content->open(0, context));
  return io::measure(*opened);
}

}  // namespace

Result<DescribedImage> described(const RawImage& image, model::Format format, const CallContext& context) {
  // Docker's format has no name for zstd.
  if (std::ranges::any_of(image.layers,
                          [](const RawLayer& layer) { return layer.stored == model::Compression::zstd; }))
    format = model::Format::oci;
  const auto config = std::make_shared<const io::MemoryContent>(
      image.config, std::string(format == model::Format::oci ? model::kOciConfig : model::kDockerConfig));
  Additions own;
  own.blobs.push_back(config);
  std::vector<Descriptor> layers;
  for (const RawLayer& layer : image.layers) {
    DAVIT_TRY(Descriptor descriptor, describe(layer, context));
    descriptor.media_type = model::layer_type(format, layer.stored);
    own.blobs.push_back(std::make_shared<const KnownContent>(layer.content, descriptor));
    layers.push_back(std::move(descriptor));
  }
  DAVIT_TRY(Manifest manifest,
            Manifest::parse(model::image_manifest(format, *config->descriptor(), layers), {}));
  const Descriptor root = manifest.descriptor();
  own.manifests.push_back(std::move(manifest));
  return DescribedImage{overlay(nullptr, std::move(own)), root};
}

}  // namespace davit::content
