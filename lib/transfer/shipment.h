#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <davit/transfer.h>

#include "model/image_config.h"
#include "transfer/leaf.h"
#include "transfer/order.h"
#include "transfer/reuse.h"

namespace davit::transfer {

struct Tag {
  std::string name;
  std::optional<Digest> now;  ///< what it points at before the run
};

struct Shipment;

/// One image at one destination. While leaves move, `error`, `delivered` and `outstanding` belong to Run's
/// mutex.
struct Dispatch {
  Shipment* shipment = nullptr;
  const Destination* destination = nullptr;
  std::vector<Tag> tags;
  std::optional<Manifest> replaced;  ///< under the first tag; read only where it can teach something
  KnownLayers known;
  std::optional<Error> error;
  bool root_present = false;
  std::size_t outstanding = 0;  ///< leaves that have not arrived yet
  std::optional<Delivered> delivered;

  [[nodiscard]] bool live() const { return !error && !delivered; }
  /// Whether it needs leaves at all: nothing below a root that is there is of interest.
  [[nodiscard]] bool waits() const { return live() && !root_present; }
  [[nodiscard]] ContentSink* sink() const { return destination->sink.get(); }
};

/// One image, and how far it is.
struct Shipment {
  const Order* order = nullptr;
  std::vector<Manifest> manifests;           ///< children first, root last; written by seal() for a raw image
  std::optional<model::ImageConfig> config;  ///< of a raw image
  std::optional<Descriptor> config_blob;
  std::vector<Leaf*> leaves;  ///< below the root; for a raw image the config, then each layer, repeats kept
  std::deque<Dispatch> dispatches;

  [[nodiscard]] const content::RawImage* raw() const { return std::get_if<content::RawImage>(&order->root); }
};

}  // namespace davit::transfer
