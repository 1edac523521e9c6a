#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <davit/transfer.h>

#include "base/worker_pool.h"
#include "codec/compress.h"
#include "content/rewrite.h"
#include "transfer/order.h"
#include "transfer/progress.h"
#include "transfer/settings.h"
#include "transfer/shipment.h"
#include "transfer/slots.h"

namespace davit::transfer {

/// Moves images: resolve and walk, learn, probe, move the leaves, seal and name. Used once; one thread calls
/// it.
///
/// Plan first, then run only leaves: no job ever waits for another job. Whoever brings the last leaf of an
/// image to a destination seals it there, so no destination waits for another. One that fails is left out
/// from then on; one that is much slower than the others is fed on threads of its own. Each phase has its own
/// file: look.cc, learn.cc, move.cc, seal.cc; images whose layers are compressed anew are in recompress.cc;
/// what a destination would refuse at the end is in limits.cc.
class Run {
 public:
  /// REQUIRES: everything outlives the run.
  Run(std::vector<Order> orders, const Settings& settings, codec::Compressor& compressor, Board& board,
      CallContext context);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// One delivery per order and destination, in their order. An error means that a source could not even be
  /// read.
  Result<std::vector<Delivery>> deliver();
  /// What deliver() would do; the first error of any destination.
  Result<std::vector<Plan>> plan();
  /// The same, where each destination has an error of its own.
  Result<std::vector<Result<Plan>>> plans();

 private:
  // Phases, in this order; prepare() is all of them up to probe().
  Result<> prepare();
  Result<> read_configs();
  Result<> read_pending_images(Shipment& shipment);
  Result<> read_pending_configs(Shipment& shipment);
  void carry_the_rest(Shipment& shipment, const std::vector<Descriptor>& blobs);
  void tell_what_changes(const Shipment& shipment);
  [[nodiscard]] bool makes_anew(const Order& order, const Manifest& image, const Descriptor& layer) const;
  [[nodiscard]] std::set<Digest> layers_to_make(const Shipment& shipment, const PendingImage& image) const;
  Result<> walk_sources();
  void tell_what_stays_plain(const Shipment& shipment);
  void refuse_oversize();
  void look_at_tags();
  void look_at_referrers();
  Result<bool> has_referrers(const Shipment& shipment, ReferrerLister& at);
  void adopt();
  void learn_layers();
  Result<KnownLayers> only_present(ContentSink& sink, KnownLayers known);
  void verify_known(Shipment& shipment);
  void make_leaves();
  void settle_roots();
  void probe();
  std::set<const ContentSink*> empty_sinks();
  std::vector<Leaf*> in_turn();
  void refuse_fixed_tags();
  void move();
  void try_again_without_claims();
  void finish_complete_sinks();
  void finish_sinks();
  void tell_what_moved();

  void warn_about_size(const Shipment& shipment, const Manifest& manifest);
  std::vector<std::string> tags_of_others(const Shipment& shipment, const Dispatch& dispatch) const;
  void refuse_existing(Shipment& shipment, Dispatch& dispatch);
  [[nodiscard]] Error already_exists(const Shipment& shipment, const Dispatch& dispatch,
                                     const Tag& tag) const;
  bool may_be_ours(const Shipment& shipment, const Dispatch& dispatch) const;
  bool adoptable(const Shipment& shipment, const Manifest& manifest) const;
  std::map<Digest, Descriptor> common_layers(const Shipment& shipment) const;
  Result<bool> holds(ContentSource& repository, const Descriptor& blob, const Digest& diff_id);
  [[nodiscard]] bool vouches(const ContentSink& sink) const;
  Leaf& leaf(const std::string& key);
  void make_image_leaves(Shipment& shipment, PendingImage& image, const std::map<Digest, Descriptor>& reused);
  Leaf& config_leaf(const content::RawImage& raw, const PendingImage& image);
  Leaf& layer_leaf(const content::RawLayer& layer, const Descriptor* reused);
  void want(Leaf& leaf, Shipment& shipment);
  std::vector<Dispatch*> count_outstanding(const std::vector<Leaf*>& moving);
  void move_leaf(Leaf& leaf);
  bool may_begin(const Leaf& leaf) DAVIT_EXCLUDES(mutex_);
  void submit_unpacking(std::vector<Leaf*>& moving, WorkerPool& unpackers);
  std::shared_ptr<const Content> remade(const Leaf& leaf, std::shared_ptr<const Content> source);
  std::shared_ptr<const Content> content_of(const Leaf& leaf, std::shared_ptr<BlobProgress> progress);
  void bring(Leaf& leaf, ContentSink* sink, const Content& content);
  bool mount(const Leaf& leaf, ContentSink* sink);
  static bool may_mount(const Leaf& leaf, ContentSink& sink);
  bool bring_as_draft(Leaf& leaf, ContentSink* sink, BlobProgress& progress);
  void bring_everywhere(Leaf& leaf, const std::vector<ContentSink*>& sinks,
                        const std::shared_ptr<const Content>& content);
  void bring_claimed(Leaf& leaf, ContentSink* sink, const Content& content);
  void bring_alone(Leaf& leaf, ContentSink* sink);
  [[nodiscard]] std::optional<Error> outage_of(const ContentSink* sink) const DAVIT_EXCLUDES(mutex_);
  void note_outage(const ContentSink* sink, const Error& error) DAVIT_EXCLUDES(mutex_);
  void fail_all(const ContentSink* sink, const Error& error) DAVIT_REQUIRES(mutex_);
  void arrived(Leaf& leaf, ContentSink* sink, Arrival::State state, std::optional<Error> error,
               std::optional<Descriptor> stored) DAVIT_EXCLUDES(mutex_);
  void finish_stragglers();
  Result<Manifest> author(const Shipment& shipment) const;
  /// What stands for a layer of an image from now on; nothing for one that stays what it is.
  using LayerNow = std::function<std::optional<content::NewLayer>(const PendingImage&, std::size_t)>;
  Result<std::vector<Manifest>> rewrite(const Shipment& shipment) const;
  Result<std::vector<Manifest>> rewrite(const Shipment& shipment, const LayerNow& layer_now) const;
  Result<std::vector<Manifest>> written(const Shipment& shipment) const;
  void seal(Dispatch& dispatch) DAVIT_EXCLUDES(mutex_);
  Result<> put_children(const Shipment& shipment, const Dispatch& dispatch);
  Result<> exchange(const Dispatch& dispatch, const Manifest& root, const std::vector<std::string>& names);
  Result<> put_root(const Dispatch& dispatch, const Manifest& root, const std::vector<std::string>& names);
  Result<Delivered> seal_dispatch(Shipment& shipment, Dispatch& dispatch);
  BlobCounts count(const Shipment& shipment, const Dispatch& dispatch) const DAVIT_EXCLUDES(mutex_);
  Plan plan_of(const Shipment& shipment, const Dispatch& dispatch) const;

  const std::vector<Order> orders_;
  Settings settings_;
  codec::Compressor& compressor_;
  Board& board_;
  const CallContext context_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::deque<Shipment> shipments_;
  std::map<std::string, Leaf> leaves_;  ///< by digest, or by "raw:" and diff_id while the digest is unknown
  std::atomic<std::uint64_t> uncounted_ = 0;  ///< bytes read again for a destination that goes on alone
  Slots slots_;
  mutable Mutex mutex_;  ///< while leaves move: arrivals, and what Dispatch says
  /// Destinations that kept others waiting, each with workers of its own from then on.
  std::map<ContentSink*, std::unique_ptr<WorkerPool>> slow_ DAVIT_GUARDED_BY(mutex_);
  /// Destinations that cannot be reached at all: no image waits for them any more.
  std::map<const ContentSink*, Error> outages_ DAVIT_GUARDED_BY(mutex_);
  std::map<const ContentSink*, Result<>> finished_;  ///< before the others
  std::vector<std::thread> stragglers_
      DAVIT_GUARDED_BY(mutex_);  ///< left behind by their job, joined at the end
  const std::size_t unpackers_;  ///< threads that only unpack zstd layers; 0: the pool does that too
  WorkerPool pool_;
};

}  // namespace davit::transfer
