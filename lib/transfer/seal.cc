// Manifests bottom-up, children by digest, the root last under its names.

#include <algorithm>
#include <chrono>
#include <set>
#include <span>

#include "base/calm.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "model/write_manifest.h"
#include "transfer/outage.h"
#include "transfer/run.h"

namespace davit::transfer {
namespace {

using State = Arrival::State;

/// The registry misses something that a probe or an earlier image said was there. A source that misses a
/// blob, or an upload session that was lost, is another matter: nothing that was believed was wrong.
bool misses_blob(const Error& error) {
  if (!error.http || error.side != Side::destination || error.http->method != "PUT") return false;
  return std::ranges::any_of(error.http->codes, [&](const std::string& code) {
    // ECR says that of a manifest's layers, too.
    const bool layers =
        code == "BLOB_UPLOAD_UNKNOWN" && error.http->url.find("/manifests/") != std::string::npos;
    return code == "MANIFEST_BLOB_UNKNOWN" || code == "BLOB_UNKNOWN" || layers;
  });
}

/// A tag that points at something else than `root`.
const Tag* other_image_under(const Dispatch& dispatch, const Digest& root) {
  const auto found =
      std::ranges::find_if(dispatch.tags, [&](const Tag& tag) { return tag.now && *tag.now != root; });
  return found == dispatch.tags.end() ? nullptr : &*found;
}

}  // namespace

/// The manifest of an image that came without one. All its leaves have their descriptors by now.
Result<Manifest> Run::author(const Shipment& shipment) const {
  const PendingImage& image = shipment.images.front();
  std::vector<Descriptor> layers;
  for (const Leaf* below : image.layers) {
    const std::optional<Descriptor>& stored = below->descriptor;
    if (!stored) return make_error(Errc::internal, "a layer that arrived without a digest");
    layers.push_back({.media_type = stored->media_type, .digest = stored->digest, .size = stored->size});
  }
  const auto compression = [&](std::size_t i) { return image.layers[i]->compression(); };
  bool zstd = false;
  for (std::size_t i = 0; i < layers.size(); ++i) zstd |= compression(i) == model::Compression::zstd;
  if (zstd && settings_.format == ManifestFormat::docker) {
    return make_error(
        Errc::unsupported,
        shipment.order->name + ": a layer is zstd, which Docker's manifest format has no name for",
        "use the OCI format");
  }
  const bool oci = zstd || settings_.format == ManifestFormat::oci;
  const model::Format format = oci ? model::Format::oci : model::Format::docker;
  for (std::size_t i = 0; i < layers.size(); ++i)
    layers[i].media_type = model::layer_type(format, compression(i));
  Descriptor config = image.config_blob;
  config.media_type = oci ? model::kOciConfig : model::kDockerConfig;
  return Manifest::parse(model::image_manifest(format, config, layers), {});
}

/// The manifests of a shipment with pending images. Their leaves have their descriptors by now.
Result<std::vector<Manifest>> Run::written(const Shipment& shipment) const {
  if (shipment.raw() == nullptr) return rewrite(shipment);
  DAVIT_TRY(Manifest manifest, author(shipment));
  return std::vector<Manifest>{std::move(manifest)};
}

/// The last step at one destination. REQUIRES: all its leaves have arrived.
void Run::seal(Dispatch& dispatch) {
  Shipment& shipment = *dispatch.shipment;
  auto delivered = guarded([&]() -> Result<Delivered> {
    if (const auto outage = outage_of(dispatch.sink())) return *outage;
    {
      MutexLock lock(mutex_);
      // One manifest for all destinations, written by the first that is ready for it.
      if (shipment.manifests.empty()) {
        DAVIT_TRY(shipment.manifests, written(shipment));
        for (const Manifest& manifest : shipment.manifests) warn_about_size(shipment, manifest);
      }
    }
    return seal_dispatch(shipment, dispatch);
  });
  MutexLock lock(mutex_);
  if (delivered) {
    dispatch.delivered = *std::move(delivered);
    dispatch.error.reset();  // another image may have lost the way there meanwhile
  } else {
    dispatch.error = delivered.error().on(Side::destination);
    if (is_outage(*dispatch.error) && outages_.emplace(dispatch.sink(), *dispatch.error).second)
      fail_all(dispatch.sink(), *dispatch.error);
  }
}

/// Image manifests below an index do not depend on each other, so they go side by side; nested indexes follow
/// in order.
Result<> Run::put_children(const Shipment& shipment, const Dispatch& dispatch) {
  const std::span below(shipment.manifests.begin(), shipment.manifests.end() - 1);
  std::vector<const Manifest*> images;
  for (const Manifest& manifest : below) {
    if (!manifest.is_index()) images.push_back(&manifest);
  }
  std::vector<Result<>> put(images.size());
  if (!images.empty()) {
    WorkerPool side_by_side(std::min(images.size(), pool_.size()));
    for_each_index(side_by_side, images.size(),
                   [&](std::size_t i) { put[i] = dispatch.sink()->put_manifest(*images[i], {}, context_); });
  }
  for (const Result<>& result : put) DAVIT_TRY_VOID(Result<>(result));
  for (const Manifest& manifest : below) {
    if (manifest.is_index()) DAVIT_TRY_VOID(dispatch.sink()->put_manifest(manifest, {}, context_));
  }
  return {};
}

/// What a registry without conditional writes does with the tag: nobody may have moved it since what it
/// pointed at was read, and nobody may move it right after from where they had read it. Those who do take as
/// long from their question to their writing as this run, or so; it looks once more when they must be done.
Result<> Run::exchange(const Dispatch& dispatch, const Manifest& root,
                       const std::vector<std::string>& names) {
  using std::chrono::milliseconds;
  const Destination& destination = *dispatch.destination;
  const std::string& tag = dispatch.tags.front().name;
  const Digest& wanted = root.descriptor().digest;
  const auto moved = [&](const Digest& from, const Digest& to) {
    Error error =
        make_error(Errc::conflict, destination.name + ":" + tag + ": the tag was moved meanwhile, from " +
                                       from.to_string() + " to " + to.to_string());
    error.retryable = true;  // on top of what is there now
    return error;
  };
  Clock& clock = Clock::system();
  const auto begun = clock.steady();
  DAVIT_TRY(const Descriptor before, dispatch.sink()->earlier()->resolve(tag, context_));
  if (before.digest != *destination.replaces && before.digest != wanted)
    return moved(*destination.replaces, before.digest);
  DAVIT_TRY_VOID(dispatch.sink()->put_manifest(root, names, context_));
  if (std::ranges::find(names, tag) == names.end()) return {};
  const auto took = std::chrono::ceil<milliseconds>(clock.steady() - begun);
  DAVIT_TRY_VOID(clock.sleep_for(calm_after(took, kCalmAmongOthers), context_));
  DAVIT_TRY(const Descriptor after, dispatch.sink()->earlier()->resolve(tag, context_));
  return after.digest == wanted ? Result<>() : moved(wanted, after.digest);
}

/// The root under its names, unless somebody else has moved what is to be replaced.
Result<> Run::put_root(const Dispatch& dispatch, const Manifest& root,
                       const std::vector<std::string>& names) {
  const auto& before = dispatch.destination->replaces;
  ContentSink& sink = *dispatch.sink();
  if (!before || names.empty()) return sink.put_manifest(root, names, context_);
  NameExchanger* exchanger = sink.name_exchanger();
  if (exchanger != nullptr && names.front() == dispatch.tags.front().name)
    return exchanger->exchange(root, names, *before, context_);
  return exchanger == nullptr ? exchange(dispatch, root, names) : sink.put_manifest(root, names, context_);
}

Result<Delivered> Run::seal_dispatch(Shipment& shipment, Dispatch& dispatch) {
  const Manifest& root = shipment.manifests.back();
  const Destination& destination = *dispatch.destination;
  const Digest& digest = root.descriptor().digest;
  if (destination.expected && *destination.expected != digest) {
    return make_error(Errc::conflict, settings_.verb + " " + shipment.order->name + " to " +
                                          destination.name + ": the image is " + digest.to_string() +
                                          ", the destination names " + destination.expected->to_string());
  }
  if (const Tag* taken =
          settings_.on_existing_tag == OnExistingTag::fail ? other_image_under(dispatch, digest) : nullptr) {
    return already_exists(shipment, dispatch,
                          *taken);  // the digest was not known when the tags were looked at
  }
  if (!dispatch.root_present) DAVIT_TRY_VOID(put_children(shipment, dispatch));
  std::vector<std::string> names;
  for (const Tag& tag : dispatch.tags) {
    if (tag.now != digest) names.push_back(tag.name);
  }
  const bool tagged = names.size() < dispatch.tags.size();  // a tag that points at it shows that it is there
  const bool vouched = tagged || dispatch.root_present;
  const bool put = !names.empty() || !vouched || !dispatch.sink()->names_vouch();
  if (put) DAVIT_TRY_VOID(put_root(dispatch, root, names));
  const BlobCounts blobs = count(shipment, dispatch);
  return Delivered{.destination = destination.name,
                   .root = root.descriptor(),
                   .tags = destination.tags,
                   .blobs = blobs,
                   .unchanged = names.empty() && vouched && blobs.sent == 0 && !dispatch.referrers_missing,
                   .took = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::steady_clock::now() - begun_)};
}

/// If a destination misses a child after all, whoever said that it was there was wrong: everything is sent
/// again, once, without asking anybody.
void Run::try_again_without_claims() {
  bool again = false;
  for (Shipment& shipment : shipments_) {
    bool here = false;
    for (Dispatch& dispatch : shipment.dispatches) {
      const auto believed = [&](const Leaf* leaf) {
        const Arrival& arrival = leaf->arrivals.at(dispatch.sink());
        return arrival.there() || arrival.state == State::mounted;
      };
      if (!dispatch.error || !misses_blob(*dispatch.error)) continue;
      if (!dispatch.root_present && std::ranges::none_of(shipment.leaves, believed)) continue;
      board_.note(dispatch.destination->name + " misses blobs that it said it had: sending everything");
      dispatch.error.reset();
      dispatch.known.clear();
      dispatch.root_present = false;
      here = true;
    }
    if (here && !shipment.images.empty()) {
      shipment.manifests.clear();
      // One run gives one digest, and without the claims it may be another one: what has been delivered
      // already is delivered again under it.
      for (Dispatch& dispatch : shipment.dispatches) {
        if (!dispatch.delivered) continue;
        for (Tag& tag : dispatch.tags) tag.now = dispatch.delivered->root.digest;
        dispatch.delivered.reset();
        dispatch.known.clear();
        dispatch.root_present = false;
      }
    }
    again |= here;
  }
  if (!again) return;
  settings_.reuse = Reuse::off;
  for (auto& [key, leaf] : leaves_) {
    for (auto& [sink, arrival] : leaf.arrivals) {
      const bool believed = arrival.there() || arrival.state == State::mounted;
      arrival.dispatches.clear();  // make_leaves() says anew who needs it
      if (believed) arrival.state = State::wanted;
    }
  }
  make_leaves();
  for (auto& [key, leaf] : leaves_) {
    for (auto& [sink, arrival] : leaf.arrivals) arrival.mount_from.clear();
  }
  move();
}

BlobCounts Run::count(const Shipment& shipment, const Dispatch& dispatch) const {
  BlobCounts counts;
  const std::set<const Leaf*> unique(shipment.leaves.begin(), shipment.leaves.end());
  MutexLock lock(mutex_);  // an image that was there already is sealed while leaves of others move
  for (const Leaf* below : unique) {
    const auto arrival = below->arrivals.find(dispatch.sink());
    if (arrival == below->arrivals.end()) continue;
    // What several images need came for the first of them; the others found it there.
    const auto first = std::ranges::find_if(arrival->second.dispatches,
                                            [](const Dispatch* one) { return !one->error.has_value(); });
    const bool for_this = first != arrival->second.dispatches.end() && *first == &dispatch;
    const State state = arrival->second.state;
    if (state == State::present) ++counts.present;
    if (state == State::reused) ++counts.reused;
    if ((state == State::mounted || state == State::sent) && !for_this) ++counts.present;
    if (state == State::mounted && for_this) ++counts.mounted;
    if (state != State::sent || !for_this) continue;
    ++counts.sent;
    counts.bytes_sent += below->descriptor ? below->descriptor->size : 0;
  }
  return counts;
}

Plan Run::plan_of(const Shipment& shipment, const Dispatch& dispatch) const {
  Plan plan;
  plan.destination = dispatch.destination->name;
  const bool known = !shipment.manifests.empty();
  const std::set<const Leaf*> unique(shipment.leaves.begin(), shipment.leaves.end());
  bool all_known = true;
  for (const Leaf* below : unique) {
    const auto arrival = below->arrivals.find(dispatch.sink());
    if (arrival == below->arrivals.end()) continue;
    const bool here = arrival->second.there();
    all_known &= below->descriptor.has_value();
    if (here && below->descriptor) {
      plan.present.push_back(*below->descriptor);
    } else if (arrival->second.pending() && may_mount(*below, *dispatch.sink())) {
      plan.to_mount.push_back({below->name, below->bytes_to_read, false});
      plan.requests += 1;
    } else if (!here) {
      const bool compress = below->diff_id && below->remade && below->form != model::Compression::none;
      plan.to_send.push_back({below->name, below->bytes_to_read, compress});
      plan.bytes += below->bytes_to_read;
      plan.requests += below->descriptor ? 2 : 3;
    }
  }
  std::optional<Manifest> root;
  if (known) root = shipment.manifests.back();
  if (!known && all_known) {
    if (auto manifests = written(shipment)) root = manifests->back();
  }
  if (root) plan.root = root->descriptor();
  for (const Tag& tag : dispatch.tags) {
    if (!root || tag.now != root->descriptor().digest) plan.tags.push_back({tag.name, tag.now});
  }
  plan.repository_missing = dispatch.sink()->known_missing();
  plan.root_missing = dispatch.tags.empty() && !dispatch.root_present;
  plan.referrers_missing = dispatch.referrers_missing;
  plan.requests += plan.tags.size() + (plan.root_missing ? 1 : 0);
  const std::size_t manifests = std::max({shipment.manifests.size(), shipment.frames.size(), std::size_t{1}});
  if (!dispatch.root_present) plan.requests += manifests - 1;
  return plan;
}

}  // namespace davit::transfer
