// What is under the tags now, and whether that is already all there is to do.

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "transfer/run.h"

namespace davit::transfer {
namespace {

/// A destination that lets us write but not read is treated as one that has nothing, unless a tag must not be
/// moved.
bool counts_as_absent(const Error& error, OnExistingTag on_existing_tag) {
  return error.code == Errc::not_found ||
         (error.code == Errc::denied && on_existing_tag == OnExistingTag::replace);
}

}  // namespace

void Run::look_at_tags() {
  struct Look {
    Shipment* shipment;
    Dispatch* dispatch;
    Tag* tag;
    std::optional<Error> error;
  };
  std::vector<Look> looks;
  for (Shipment& shipment : shipments_) {
    if (!shipment.order->look) continue;
    for (Dispatch& dispatch : shipment.dispatches) {
      if (!dispatch.live() || dispatch.sink()->earlier() == nullptr) continue;
      for (Tag& tag : dispatch.tags) {
        if (!dispatch.destination->now.contains(tag.name)) looks.push_back({&shipment, &dispatch, &tag, {}});
      }
    }
  }
  for_each_index(pool_, looks.size(), [&](std::size_t i) {
    Look& look = looks[i];
    look.error = outage_of(look.dispatch->sink());
    if (look.error) return;
    ContentSource& repository = *look.dispatch->sink()->earlier();
    const bool first = look.tag == &look.dispatch->tags.front();
    if (!look.shipment->known_root() && first && settings_.reuse != Reuse::off) {
      auto manifest = repository.manifest(look.tag->name, context_);
      if (manifest) {
        look.tag->now = manifest->descriptor().digest;
        look.dispatch->replaced = *std::move(manifest);
        return;
      }
      // Something that cannot be read as a manifest is there all the same: ask for its digest only.
      const Errc code = manifest.error().code;
      if (code != Errc::corrupt && code != Errc::unsupported) {
        if (!counts_as_absent(manifest.error(), settings_.on_existing_tag)) look.error = manifest.error();
        note_outage(look.dispatch->sink(), manifest.error());
        return;
      }
    }
    auto root = repository.resolve(look.tag->name, context_);
    if (root) {
      look.tag->now = root->digest;
    } else if (!counts_as_absent(root.error(), settings_.on_existing_tag)) {
      look.error = root.error();
      note_outage(look.dispatch->sink(), root.error());
    }
  });
  for (Look& look : looks) {
    if (look.error && look.dispatch->live()) look.dispatch->error = look.error->on(Side::destination);
  }
  for (Shipment& shipment : shipments_) {
    if (shipment.raw() == nullptr && !shipment.known_root()) continue;  // settle_roots() knows more
    for (Dispatch& dispatch : shipment.dispatches) refuse_existing(shipment, dispatch);
  }
}

/// A root that is there says nothing about what refers to it, so that is asked for.
void Run::look_at_referrers() {
  if (!settings_.referrers) return;
  std::vector<Dispatch*> asked;
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      const bool there = !dispatch.tags.empty() && std::ranges::all_of(dispatch.tags, [&](const Tag& tag) {
        return tag.now.has_value() && tag.now == shipment.known_root();
      });
      ContentSource* earlier = dispatch.sink()->earlier();
      if (dispatch.live() && there && earlier != nullptr && earlier->referrer_lister() != nullptr)
        asked.push_back(&dispatch);
    }
  }
  for_each_index(pool_, asked.size(), [&](std::size_t i) {
    Dispatch& dispatch = *asked[i];
    const auto all = has_referrers(*dispatch.shipment, *dispatch.sink()->earlier()->referrer_lister());
    dispatch.referrers_missing = !all || !*all;
    dispatch.root_present = !dispatch.referrers_missing && dispatch.sink()->names_vouch();
  });
}

Result<bool> Run::has_referrers(const Shipment& shipment, ReferrerLister& at) {
  std::map<Digest, std::vector<Digest>> wanted;
  for (const Manifest& manifest : shipment.manifests) {
    if (manifest.subject()) wanted[manifest.subject()->digest].push_back(manifest.descriptor().digest);
  }
  for (const auto& [subject, referrers] : wanted) {
    DAVIT_TRY(const auto listed, at.referrers(subject, context_));
    for (const Digest& each : referrers) {
      if (std::ranges::find(listed, each, &Descriptor::digest) == listed.end()) return false;
    }
  }
  return true;
}

void Run::refuse_existing(Shipment& shipment, Dispatch& dispatch) {
  if (!dispatch.live()) return;
  const std::optional<Digest> root = shipment.known_root();
  const Destination& destination = *dispatch.destination;
  if (root && destination.expected && *destination.expected != *root) {
    dispatch.error =
        make_error(Errc::conflict, settings_.verb + " " + shipment.order->name + " to " + destination.name +
                                       ": the image is " + root->to_string() + ", the destination names " +
                                       destination.expected->to_string());
    return;
  }
  if (settings_.on_existing_tag != OnExistingTag::fail) return;
  for (const Tag& tag : dispatch.tags) {
    if (!tag.now || tag.now == root) continue;
    if (!root && dispatch.replaced && *tag.now == dispatch.replaced->descriptor().digest &&
        may_be_ours(shipment, dispatch))
      continue;
    dispatch.error = already_exists(shipment, dispatch, tag);
    return;
  }
}

Error Run::already_exists(const Shipment& shipment, const Dispatch& dispatch, const Tag& tag) const {
  return make_error(Errc::already_exists,
                    settings_.verb + " " + shipment.order->name + " to " + dispatch.destination->name +
                        ": tag " + tag.name + " exists already, with " + tag.now->to_string(),
                    "leave out --no-clobber to replace it");
}

/// Whether what is under the first tag could be what this run is going to write.
bool Run::may_be_ours(const Shipment& shipment, const Dispatch& dispatch) const {
  if (shipment.raw() != nullptr) return adoptable(shipment, *dispatch.replaced);
  return std::ranges::all_of(shipment.images, [&](const PendingImage& image) {
    return std::ranges::all_of(layers_to_make(shipment, image),
                               [&](const Digest& diff_id) { return dispatch.known.contains(diff_id); });
  });
}

bool Run::adoptable(const Shipment& shipment, const Manifest& manifest) const {
  const PendingImage& image = shipment.images.front();
  if (manifest.is_index() || manifest.config()->digest != image.config_blob.digest) return false;
  if (manifest.layers().size() != image.config.diff_ids.size() ||
      !settings_.accepts_manifest(manifest.descriptor().media_type)) {
    return false;
  }
  return std::ranges::all_of(manifest.layers(), [&](const Descriptor& layer) {
    return model::is_layer(layer.media_type) && settings_.accepts(model::compression_of(layer.media_type));
  });
}

/// When every destination's tag holds this very image already, its manifest is taken as it is and no layer is
/// looked at. Only when all of them hold the same one: a run gives one digest.
void Run::adopt() {
  if (settings_.reuse == Reuse::off || settings_.reuse == Reuse::verified) return;
  for (Shipment& shipment : shipments_) {
    if (shipment.raw() == nullptr) continue;
    const std::deque<Dispatch>& all = shipment.dispatches;
    const auto holds = [&](const Dispatch& dispatch) {
      return dispatch.error ||
             (dispatch.replaced && dispatch.sink()->names_vouch() &&
              adoptable(shipment, *dispatch.replaced) && all.front().replaced &&
              dispatch.replaced->descriptor().digest == all.front().replaced->descriptor().digest);
    };
    if (all.empty() || all.front().error || !std::ranges::all_of(all, holds)) continue;
    shipment.manifests = {*all.front().replaced};
    for (Dispatch& dispatch : shipment.dispatches) dispatch.root_present = true;
  }
}

}  // namespace davit::transfer
