#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <davit/transfer.h>

#include "base/worker_pool.h"
#include "codec/compress.h"
#include "transfer/order.h"
#include "transfer/progress.h"
#include "transfer/shipment.h"
#include "transfer/settings.h"

namespace davit::transfer {

/// Moves images: resolve and walk, learn, probe, move the leaves, seal and name. Used once; one thread calls it.
///
/// Plan first, then run only leaves: no job ever waits for another job. A destination that fails is left out from then
/// on and the others go on. Each phase has its own file: look.cc, learn.cc, move.cc, seal.cc.
class Run {
 public:
  /// REQUIRES: everything outlives the run.
  Run(std::vector<Order> orders, const Settings& settings, codec::Compressor& compressor, Board& board, CallContext context);

  /// One delivery per order and destination, in their order. An error means that a source could not even be read.
  Result<std::vector<Delivery>> deliver();
  /// What deliver() would do.
  Result<std::vector<Plan>> plan();

 private:
  // Phases, in this order.
  Result<> walk_sources();
  void look_at_tags();
  void adopt();
  void learn_layers();
  void verify_known(Shipment& shipment);
  void make_leaves();
  void probe();
  void move();
  void seal();
  void try_again_without_claims();

  void look_at_tag(Shipment& shipment, Dispatch& dispatch, Tag& tag);
  void refuse_existing(Shipment& shipment, Dispatch& dispatch);
  static Error already_exists(const Shipment& shipment, const Dispatch& dispatch, const Tag& tag);
  bool adoptable(const Shipment& shipment, const Manifest& manifest) const;
  std::map<Digest, Descriptor> common_layers(const Shipment& shipment) const;
  Result<bool> holds(ContentSource& repository, const Descriptor& blob, const Digest& diff_id);
  Leaf& leaf(const std::string& key);
  Leaf& raw_layer_leaf(const content::RawLayer& layer, const Descriptor* reused);
  void want(Leaf& leaf, Shipment& shipment);
  void move_leaf(Leaf& leaf);
  std::shared_ptr<const Content> content_of(const Leaf& leaf, std::shared_ptr<BlobProgress> progress);
  bool mount(Leaf& leaf, ContentSink* sink);
  void put(Leaf& leaf, ContentSink* sink, const Content& content);
  void put_everywhere(Leaf& leaf, const std::vector<ContentSink*>& sinks, const std::shared_ptr<const Content>& content);
  void settle_claim(Leaf& leaf, ContentSink* sink, const Content& content);
  void blame(Shipment& shipment);
  Result<Manifest> author(const Shipment& shipment) const;
  Result<Delivered> seal_dispatch(Shipment& shipment, Dispatch& dispatch);
  BlobCounts count(const Shipment& shipment, const Dispatch& dispatch) const;
  Plan plan_of(const Shipment& shipment, const Dispatch& dispatch) const;

  const std::vector<Order> orders_;
  Settings settings_;
  codec::Compressor& compressor_;
  Board& board_;
  const CallContext context_;
  std::deque<Shipment> shipments_;
  std::map<std::string, Leaf> leaves_;  ///< by digest, or by "raw:" and diff_id while the digest is unknown
  WorkerPool pool_;
};

}  // namespace davit::transfer
