// Which layers whose digests are not known yet are at the destinations already.

#include <algorithm>

#include "base/try.h"
#include "codec/decompress.h"
#include "crypto/hasher.h"
#include "io/verified.h"
#include "transfer/run.h"

namespace davit::transfer {

void Run::learn_layers() {
  struct Lesson {
    Shipment* shipment;
    Dispatch* dispatch;
  };
  std::vector<Lesson> lessons;
  for (Shipment& shipment : shipments_) {
    if (shipment.images.empty() || !shipment.manifests.empty() || settings_.reuse == Reuse::off) continue;
    for (Dispatch& dispatch : shipment.dispatches) {
      if (dispatch.live() && dispatch.sink()->earlier() != nullptr) lessons.push_back({&shipment, &dispatch});
    }
  }
  for_each_index(pool_, lessons.size(), [&](std::size_t i) {
    const Shipment& shipment = *lessons[i].shipment;
    Dispatch& dispatch = *lessons[i].dispatch;
    ReuseQuestion question{.repository = *dispatch.sink()->earlier(),
                           .replaced = dispatch.replaced,
                           .tag = dispatch.tags.empty() ? std::string() : dispatch.tags.front().name,
                           .images = {},
                           .wanted = {}};
    for (const PendingImage& image : shipment.images) {
      question.images.push_back({image.config.platform, image.config_blob.digest, image.config.diff_ids});
      question.wanted.merge(layers_to_make(shipment, image));
    }
    auto known = learn(question, settings_, context_);
    if (known && !dispatch.sink()->names_vouch()) known = only_present(*dispatch.sink(), *std::move(known));
    if (known) {
      dispatch.known = *std::move(known);
    } else {
      dispatch.error = known.error();
    }
  });
  if (settings_.reuse != Reuse::verified) return;
  for (Shipment& shipment : shipments_) verify_known(shipment);
}

/// Where a manifest does not vouch for what it lists, a folder that may have been damaged, the blobs are
/// looked at.
Result<KnownLayers> Run::only_present(ContentSink& sink, KnownLayers known) {
  for (auto layer = known.begin(); layer != known.end();) {
    DAVIT_TRY(const std::vector<Presence> there, sink.probe({&layer->second, 1}, context_));
    layer = there.front() == Presence::present ? std::next(layer) : known.erase(layer);
  }
  return known;
}

/// Keeps only what really unpacks to the layer it is said to hold.
void Run::verify_known(Shipment& shipment) {
  struct Claim {
    Dispatch* dispatch;
    Digest diff_id;
    Descriptor blob;
    bool good = false;
  };
  std::vector<Claim> claims;
  for (Dispatch& dispatch : shipment.dispatches) {
    for (const auto& [diff_id, blob] : dispatch.known) claims.push_back({&dispatch, diff_id, blob});
  }
  for_each_index(pool_, claims.size(), [&](std::size_t i) {
    const auto good = holds(*claims[i].dispatch->sink()->earlier(), claims[i].blob, claims[i].diff_id);
    claims[i].good = good && *good;
  });
  for (const Claim& claim : claims) {
    if (!claim.good) claim.dispatch->known.erase(claim.diff_id);
  }
}

Result<bool> Run::holds(ContentSource& repository, const Descriptor& blob, const Digest& diff_id) {
  DAVIT_TRY(auto stored, repository.open(blob, 0, context_));
  const auto plain =
      codec::decompressing(model::compression_of(blob.media_type), io::verified(std::move(stored), blob), {});
  crypto::Hasher hasher(diff_id.algorithm());
  std::vector<std::byte> buffer(128 << 10);
  for (;;) {
    DAVIT_TRY(const std::size_t count, plain->read(buffer));
    if (count == 0) return hasher.digest() == diff_id;
    hasher.update(std::span(buffer).first(count));
  }
}

/// The layers that every destination holds in the same form.
std::map<Digest, Descriptor> Run::common_layers(const Shipment& shipment) const {
  std::map<Digest, Descriptor> common;
  bool first = true;
  for (const Dispatch& dispatch : shipment.dispatches) {
    if (!dispatch.live()) continue;
    if (first) common = dispatch.known;
    first = false;
    std::erase_if(common, [&](const auto& layer) {
      const auto here = dispatch.known.find(layer.first);
      return here == dispatch.known.end() || here->second.digest != layer.second.digest;
    });
  }
  return common;
}

}  // namespace davit::transfer
