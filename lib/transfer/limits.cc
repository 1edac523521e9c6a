// What a destination would refuse at the very end, found before anything is sent.

#include <algorithm>

#include "base/error.h"
#include "transfer/run.h"

namespace davit::transfer {
namespace {

/// What every registry is known to take.
constexpr std::uint64_t kOrdinaryManifest = 4u << 20;

std::string mebibytes(std::uint64_t bytes) {
  const std::uint64_t tenths = (bytes * 10 + (1u << 20) - 1) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

/// The first thing about an image that is more than a sink takes.
std::optional<Error> excess(const SinkLimits& limits, std::size_t layers, std::uint64_t bytes) {
  if (limits.layers != 0 && layers > limits.layers) {
    return make_error(Errc::unsupported,
                      "the image has " + std::to_string(layers) + " layers, and the registry takes at most " +
                          std::to_string(limits.layers),
                      "flatten the image or build it with fewer steps");
  }
  if (limits.manifest_bytes != 0 && bytes > limits.manifest_bytes) {
    return make_error(Errc::unsupported, "a manifest has " + mebibytes(bytes) +
                                             ", and the registry takes at most " +
                                             mebibytes(limits.manifest_bytes));
  }
  return {};
}

/// The config of an image whose digest is not known yet; null when the root is an index.
const Digest* root_config(const Shipment& shipment) {
  if (shipment.raw() != nullptr) return &shipment.images.front().config_blob.digest;
  if (shipment.frames.empty() || shipment.frames.back().is_index()) return nullptr;
  return &shipment.frames.back().config()->digest;
}

}  // namespace

void Run::refuse_oversize() {
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      const SinkLimits limits = dispatch.sink()->limits();
      std::optional<Error> found;
      if (const content::RawImage* raw = shipment.raw()) found = excess(limits, raw->layers.size(), 0);
      const auto& known = shipment.manifests.empty() ? shipment.frames : shipment.manifests;
      for (const Manifest& manifest : known) {
        const std::size_t layers = manifest.is_index() ? 0 : manifest.layers().size();
        if (!found) found = excess(limits, layers, manifest.bytes().size());
      }
      if (found && dispatch.live())
        dispatch.error = found
                             ->with_context(settings_.verb + " " + shipment.order->name + " to " +
                                            dispatch.destination->name)
                             .on(Side::destination);
    }
    if (std::ranges::none_of(shipment.dispatches, &Dispatch::live)) continue;
    for (const Manifest& manifest : shipment.manifests) warn_about_size(shipment, manifest);
  }
}

void Run::warn_about_size(const Shipment& shipment, const Manifest& manifest) {
  if (manifest.bytes().size() <= kOrdinaryManifest) return;
  board_.note(shipment.order->name + ": manifest " + manifest.descriptor().digest.short_form() + " has " +
              mebibytes(manifest.bytes().size()) + "; many registries take no more than " +
              mebibytes(kOrdinaryManifest));
}

/// The tags that hold an image which is certainly not ours.
std::vector<std::string> Run::tags_of_others(const Shipment& shipment, const Dispatch& dispatch) const {
  std::vector<std::string> out;
  for (const Tag& tag : dispatch.tags) {
    if (!tag.now) continue;
    if (const auto root = shipment.known_root()) {
      if (*tag.now != *root) out.push_back(tag.name);
    } else if (const auto& there = dispatch.replaced; there && there->descriptor().digest == *tag.now) {
      // Our digest is not known yet, but an image with another config has another one.
      const Digest* config = root_config(shipment);
      const bool other =
          there->is_index() ? config != nullptr : config == nullptr || there->config()->digest != *config;
      if (other) out.push_back(tag.name);
    }
  }
  return out;
}

/// A tag that cannot be moved is asked for only where bytes would be sent in vain.
void Run::refuse_fixed_tags() {
  struct Question {
    Shipment* shipment;
    Dispatch* dispatch;
    std::vector<std::string> tags;
    std::vector<std::string> fixed = {};
  };
  std::vector<Question> questions;
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      const auto moves = [&](const Leaf* leaf) {
        const auto arrival = leaf->arrivals.find(dispatch.sink());
        return arrival != leaf->arrivals.end() && arrival->second.pending();
      };
      if (!dispatch.live() || std::ranges::none_of(shipment.leaves, moves)) continue;
      std::vector<std::string> tags = tags_of_others(shipment, dispatch);
      if (!tags.empty()) questions.push_back({&shipment, &dispatch, std::move(tags)});
    }
  }
  for_each_index(pool_, questions.size(), [&](std::size_t i) {
    auto fixed = questions[i].dispatch->sink()->fixed_tags(questions[i].tags, context_);
    if (fixed) questions[i].fixed = *std::move(fixed);
  });
  for (const Question& question : questions) {
    if (question.fixed.empty()) continue;
    const Dispatch& dispatch = *question.dispatch;
    const auto tag = std::ranges::find(dispatch.tags, question.fixed.front(), &Tag::name);
    const auto root = question.shipment->known_root();
    const Digest* config = root_config(*question.shipment);
    const std::string ours = root                ? root->to_string()
                             : config == nullptr ? std::string("the index that this run writes")
                                                 : "the image with the config " + config->to_string();
    question.dispatch->error =
        make_error(Errc::conflict,
                   settings_.verb + " " + question.shipment->order->name + " to " +
                       dispatch.destination->name + ": tag " + tag->name + " cannot be moved: it names " +
                       tag->now->to_string() + ", not " + ours,
                   "choose another tag, or change the repository's settings")
            .on(Side::destination);
  }
}

}  // namespace davit::transfer
