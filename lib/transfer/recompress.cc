// Images whose layers are compressed anew: which those are, and their manifests once the layers have arrived.

#include <algorithm>
#include <set>

#include <davit/inspect.h>

#include "base/error.h"
#include "base/try.h"
#include "content/graph.h"
#include "content/read_config.h"
#include "content/rewrite.h"
#include "transfer/run.h"

namespace davit::transfer {
namespace {

/// Plain, gzip or zstd. An encrypted layer is none of them, and nor is a foreign one or one of an artifact.
bool is_tar_layer(const std::string& type) {
  return model::is_plain_layer(type) ||
         type == model::layer_type(model::Format::oci, model::Compression::gzip) ||
         type == model::layer_type(model::Format::oci, model::Compression::zstd) ||
         type == model::layer_type(model::Format::docker, model::Compression::gzip) ||
         type == std::string(model::kDockerLayer) + ".zstd";  // no format's name, but in use
}

}  // namespace

bool Run::makes_anew(const Order& order, const Manifest& image, const Descriptor& layer) const {
  const std::string type = model::essence(layer.media_type);
  if (!is_tar_layer(type) || model::is_foreign_layer(type)) return false;
  const model::Compression stored = model::compression_of(type);
  // A layer that never was in a registry gets its form now.
  const bool first_form = stored == model::Compression::none &&
                          settings_.target() != model::Compression::none &&
                          order.made.contains(image.descriptor().digest);
  return first_form || settings_.recompresses(stored);
}

/// The diff_ids of the layers that get another form, or their first one.
std::set<Digest> Run::layers_to_make(const Shipment& shipment, const PendingImage& image) const {
  std::set<Digest> out;
  for (std::size_t i = 0; i < image.config.diff_ids.size(); ++i) {
    if (!image.frame || makes_anew(*shipment.order, *image.frame, image.frame->layers()[i]))
      out.insert(image.config.diff_ids[i]);
  }
  return out;
}

/// Walks an image that comes with manifests, and finds what has to be compressed anew. Everything else is
/// carried.
Result<> Run::read_pending_images(Shipment& shipment) {
  DAVIT_TRY(content::Graph graph,
            content::walk(*shipment.order->source, std::get<Descriptor>(shipment.order->root), context_,
                          {.pool = &pool_, .without = &shipment.order->settled}));
  shipment.frames = std::move(graph.manifests);
  const std::set<Digest> attestations = content::attestations_among(shipment.frames);
  for (const Manifest& manifest : shipment.frames) {
    if (!is_container_image(manifest) || attestations.contains(manifest.descriptor().digest)) continue;
    if (std::ranges::any_of(manifest.layers(), [&](const Descriptor& layer) {
          return makes_anew(*shipment.order, manifest, layer);
        }))
      shipment.images.push_back({.frame = manifest, .config = {}, .config_blob = *manifest.config()});
  }
  DAVIT_TRY_VOID(read_pending_configs(shipment));
  carry_the_rest(shipment, graph.blobs);
  if (shipment.images.empty()) {
    DAVIT_TRY(shipment.manifests, rewrite(shipment));
  } else {
    // What the format cannot hold is said before anything moves. Any other digest serves for that.
    DAVIT_TRY_VOID(rewrite(shipment, [&](const PendingImage& image, std::size_t i) {
      const Descriptor& layer = image.frame->layers()[i];
      std::optional<content::NewLayer> now;
      if (makes_anew(*shipment.order, *image.frame, layer))
        now = {image.config.diff_ids[i], layer.size, settings_.target()};
      return now;
    }));
  }
  tell_what_changes(shipment);
  return {};
}

Result<> Run::read_pending_configs(Shipment& shipment) {
  std::vector<PendingImage>& images = shipment.images;
  std::vector<Result<>> read(images.size());
  for_each_index(pool_, images.size(), [&](std::size_t i) {
    read[i] = [&]() -> Result<> {
      DAVIT_TRY(const std::string bytes,
                content::read_config(*shipment.order->source, images[i].config_blob, context_));
      DAVIT_TRY(images[i].config, model::ImageConfig::parse(bytes));
      return {};
    }();
  });
  for (const Result<>& one : read) DAVIT_TRY_VOID(Result<>(one));
  for (const PendingImage& image : images) {
    const std::size_t layers = image.frame->layers().size();
    const std::size_t listed = image.config.diff_ids.size();
    if (listed == layers) continue;
    const std::string name = "manifest " + image.frame->descriptor().digest.short_form();
    if (listed != 0)
      return make_error(Errc::corrupt, name + " has " + std::to_string(layers) +
                                           " layers, but the configuration lists " + std::to_string(listed) +
                                           " diff_ids");
    board_.note(shipment.order->name + ": " + name +
                " stays as it is: its configuration does not say what its layers unpack to");
  }
  std::erase_if(images, [](const PendingImage& image) { return image.config.diff_ids.empty(); });
  return {};
}

/// The same bytes may be a layer that is compressed anew here and travel as they are there.
void Run::carry_the_rest(Shipment& shipment, const std::vector<Descriptor>& blobs) {
  std::set<Digest> pending;
  for (const PendingImage& image : shipment.images) pending.insert(image.frame->descriptor().digest);
  std::set<Digest> carried;
  for (const Manifest& manifest : shipment.frames) {
    const bool image = pending.contains(manifest.descriptor().digest);
    if (manifest.config()) carried.insert(manifest.config()->digest);
    for (const Descriptor& entry : manifest.manifests()) carried.insert(entry.digest);
    for (const Descriptor& layer : manifest.layers()) {
      if (!image || !makes_anew(*shipment.order, manifest, layer)) carried.insert(layer.digest);
    }
  }
  for (const Descriptor& blob : blobs) {
    if (!carried.contains(blob.digest)) continue;
    Leaf& below = leaf(blob.digest.to_string());
    below.descriptor = blob;
    shipment.carried.push_back(&below);
  }
}

void Run::tell_what_changes(const Shipment& shipment) {
  if (settings_.recompress == Recompress::no) return;  // the digest that changes was never given to anybody
  const std::string before = std::get<Descriptor>(shipment.order->root).digest.to_string();
  if (!shipment.images.empty()) {
    std::set<Digest> layers;
    for (const PendingImage& image : shipment.images) layers.merge(layers_to_make(shipment, image));
    const std::string form = settings_.target() == model::Compression::none
                                 ? std::string("stored uncompressed")
                                 : "compressed anew as " + std::string(to_string(settings_.target()));
    board_.note(shipment.order->name + ": " + std::to_string(layers.size()) +
                (layers.size() == 1 ? " layer is " : " layers are ") + form +
                (settings_.recompress == Recompress::all ? ": the digest may no longer be "
                                                         : ": the digest is no longer ") +
                before);
  } else if (shipment.known_root()->to_string() != before) {
    board_.note(shipment.order->name + ": converted to " +
                (settings_.format == ManifestFormat::oci ? "the OCI" : "Docker's") +
                " format: the digest is no longer " + before);
  }
}

/// The manifests that came, with the layers as they are now. REQUIRES: the digests of those are known.
Result<std::vector<Manifest>> Run::rewrite(const Shipment& shipment) const {
  return rewrite(shipment, [](const PendingImage& image, std::size_t i) {
    const Leaf* below = image.layers[i];
    std::optional<content::NewLayer> now;
    if (below != nullptr) now = {below->descriptor->digest, below->descriptor->size, below->compression()};
    return now;
  });
}

Result<std::vector<Manifest>> Run::rewrite(const Shipment& shipment, const LayerNow& layer_now) const {
  std::optional<model::Format> format;
  if (settings_.format != ManifestFormat::automatic && (settings_.convert || !shipment.images.empty()))
    format = settings_.format == ManifestFormat::oci ? model::Format::oci : model::Format::docker;
  std::map<Digest, const PendingImage*> images;
  for (const PendingImage& image : shipment.images) images.emplace(image.frame->descriptor().digest, &image);
  const std::set<Digest> attestations = content::attestations_among(shipment.frames);
  content::Rewriter rewriter(format);
  std::vector<Manifest> out;
  for (const Manifest& frame : shipment.frames) {
    const auto image = images.find(frame.descriptor().digest);
    std::vector<std::optional<content::NewLayer>> layers;
    if (image != images.end()) layers.resize(frame.layers().size());
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = layer_now(*image->second, i);
    if (attestations.contains(frame.descriptor().digest)) {
      out.push_back(frame);
      continue;
    }
    DAVIT_TRY(Manifest now, rewriter.rewrite(frame, layers));
    out.push_back(std::move(now));
  }
  return out;
}

/// When earlier images hold every layer in the wanted form, the digest can be told before anything moves.
void Run::settle_roots() {
  for (Shipment& shipment : shipments_) {
    if (shipment.raw() != nullptr || shipment.images.empty()) continue;
    const bool known = std::ranges::all_of(shipment.images, [](const PendingImage& image) {
      return std::ranges::all_of(image.layers,
                                 [](const Leaf* layer) { return layer == nullptr || layer->descriptor; });
    });
    if (known) {
      if (auto manifests = rewrite(shipment)) shipment.manifests = *std::move(manifests);
    }
    for (Dispatch& dispatch : shipment.dispatches) refuse_existing(shipment, dispatch);
  }
}

}  // namespace davit::transfer
