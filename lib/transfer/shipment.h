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
  bool referrers_missing = false;  ///< the root is there, and not all that refers to it and what it lists
  std::size_t outstanding = 0;     ///< leaves that have not arrived yet
  std::optional<Delivered> delivered;

  [[nodiscard]] bool live() const { return !error && !delivered; }
  /// Whether it needs leaves at all: nothing below a root that is there is of interest.
  [[nodiscard]] bool waits() const { return live() && !root_present; }
  [[nodiscard]] ContentSink* sink() const { return destination->sink.get(); }
};

/// An image whose manifest is written when its layers have arrived, because only then their digests are
/// known.
struct PendingImage {
  std::optional<Manifest> frame;  ///< the manifest it came with; none for a raw image
  model::ImageConfig config;
  Descriptor config_blob;
  std::vector<Leaf*> layers = {};  ///< bottom first, repeats kept; null for one that stays what it is
};

/// One image, or an index and what it lists, and how far it is.
struct Shipment {
  const Order* order = nullptr;
  std::vector<Manifest> manifests;  ///< children first, root last; written by seal() where images are pending
  std::vector<Manifest> frames;     ///< such manifests as they came, children first; none for a raw image
  std::vector<PendingImage> images;  ///< that the root is or lists; empty when everything travels as it is
  std::vector<Leaf*> carried;        ///< blobs that were found below the root and travel as they are
  std::vector<Leaf*> leaves;         ///< all below the root
  std::deque<Dispatch> dispatches;
  bool begun = false;  ///< its turn has come; Run's mutex

  [[nodiscard]] const content::RawImage* raw() const { return std::get_if<content::RawImage>(&order->root); }
  /// What the root is going to be, where that can be said already.
  [[nodiscard]] std::optional<Digest> known_root() const {
    if (!manifests.empty()) return manifests.back().descriptor().digest;
    if (!images.empty() || raw() != nullptr) return std::nullopt;
    return std::get<Descriptor>(order->root).digest;
  }
};

}  // namespace davit::transfer
