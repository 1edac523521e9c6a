#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/content.h>

#include "model/media_type.h"

namespace davit::transfer {

struct Dispatch;
struct Shipment;

/// What is known about one blob at one sink.
struct Arrival {
  enum class State {
    wanted,   ///< not there, as far as anybody knows
    claimed,  ///< an earlier image says that it holds this layer; compared by digest once that is known here
              ///< too
    present,  ///< was there
    reused,   ///< an earlier image holds the layer
    mounted,  ///< put into place from another repository of the same registry
    sent,     ///< moved by this run
    failed,
  };
  State state = State::wanted;
  std::optional<Error> error = {};
  std::vector<Dispatch*> dispatches = {};  ///< the images at this sink that need the blob
  bool absent = false;                     ///< known not to be there: nobody has to ask
  std::string mount_from = {};             ///< a repository of the same registry that has it; may be empty

  /// Whether the sink is believed to have had it before this run.
  [[nodiscard]] bool there() const { return state == State::present || state == State::reused; }
  /// Whether anything still depends on it.
  [[nodiscard]] bool needed() const;
  /// Whether it has to be moved, or may have to.
  [[nodiscard]] bool pending() const {
    return (state == State::wanted || state == State::claimed) && needed();
  }
};

/// One blob to have at some sinks, however many images need it. The unit of work: leaves do not depend on
/// each other.
struct Leaf {
  std::string name;  ///< "layer sha256:1f2e…", for people
  std::shared_ptr<const Content>
      source;                     ///< the bytes as the source has them; null for a layer that is reused
  RangeReader* ranges = nullptr;  ///< of `source`, whose owner it belongs to; null where there is none
  std::optional<Digest> diff_id;  ///< set: `source` is a layer whose stored form has no known digest yet
  model::Compression stored = model::Compression::none;  ///< of such a layer, at the source
  model::Compression form = model::Compression::none;    ///< of such a layer, at the sinks
  bool remade = false;                   ///< such a layer is unpacked, compressed or both on its way
  std::optional<Descriptor> descriptor;  ///< as stored at the sinks; empty until a layer has been read once
  std::uint64_t bytes_to_read = 0;
  std::map<ContentSink*, Arrival> arrivals;
  Shipment* turn = nullptr;  ///< the image in whose turn it goes

  /// How the layer is stored at the sinks. REQUIRES: `diff_id` or `descriptor` is known.
  [[nodiscard]] model::Compression compression() const {
    return diff_id ? form : model::compression_of(model::essence(descriptor->media_type));
  }
};

}  // namespace davit::transfer
