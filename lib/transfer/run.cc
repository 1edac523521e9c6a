#include "transfer/run.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "content/graph.h"

namespace davit::transfer {
namespace {

/// Compressing takes memory: more layers than this at once would not fit the promise of 64 MiB.
constexpr std::size_t kCompressingJobs = 6;
/// Of those so many at once may unpack zstd, whose decoders need up to 8 MiB each.
constexpr std::size_t kUnpackingJobs = 2;

std::size_t most_at_once(const std::vector<Order>& orders, const Settings& settings) {
  std::size_t most = settings.jobs;
  for (const Order& order : orders) {
    for (const Destination& destination : order.destinations)
      most = std::min(most, destination.sink->blobs_at_once());
  }
  const bool compresses =
      settings.recompress != Recompress::no || std::ranges::any_of(orders, [](const Order& order) {
        return order.root.index() == 1 || !order.made.empty();
      });
  return compresses ? std::min(most, kCompressingJobs) : most;
}

/// With two jobs or fewer there is no need to keep them apart.
std::size_t unpackers_for(const Settings& settings, std::size_t most) {
  return settings.recompresses(model::Compression::zstd) && most > kUnpackingJobs ? kUnpackingJobs : 0;
}

/// What was read is not what it should be: such a message has a digest, and not where it was read.
bool is_damage(const Error& error) {
  return error.code == Errc::corrupt && error.side == Side::source;
}

/// Whether the message says where the image `name` is: "host/repo:tag", "host/repo@DIGEST", "app.tar
/// (app:1.4)".
bool mentions(const Error& error, const std::string& name) {
  std::string_view place = std::string_view(name).substr(0, name.find_first_of("@ "));
  const auto tag = place.rfind(':');
  if (tag != std::string_view::npos && place.find('/', tag) == std::string_view::npos)
    place = place.substr(0, tag);
  return error.message.find(place) != std::string::npos;
}

}  // namespace

Run::Run(std::vector<Order> orders, const Settings& settings, codec::Compressor& compressor, Board& board,
         CallContext context)
    : orders_(std::move(orders)),
      settings_(settings),
      compressor_(compressor),
      board_(board),
      context_(std::move(context)),
      slots_(settings.jobs),
      unpackers_(unpackers_for(settings, most_at_once(orders_, settings))),
      pool_(most_at_once(orders_, settings) - unpackers_) {
  for (const Order& order : orders_) {
    Shipment& shipment = shipments_.emplace_back();
    shipment.order = &order;
    for (const Destination& destination : order.destinations) {
      Dispatch& dispatch = shipment.dispatches.emplace_back();
      dispatch.shipment = &shipment;
      dispatch.destination = &destination;
      for (const std::string& tag : destination.tags) {
        const auto seen = destination.now.find(tag);
        dispatch.tags.push_back({tag, seen == destination.now.end() ? std::nullopt : seen->second});
      }
    }
  }
}

Run::~Run() {
  finish_stragglers();
}

/// Everything that is known before the first byte moves.
Result<> Run::prepare() {
  DAVIT_TRY_VOID(read_configs());
  look_at_tags();
  DAVIT_TRY_VOID(walk_sources());
  refuse_oversize();
  adopt();
  learn_layers();
  make_leaves();
  settle_roots();
  look_at_referrers();
  probe();
  refuse_fixed_tags();
  return {};
}

Result<std::vector<Delivery>> Run::deliver() {
  DAVIT_TRY_VOID(prepare());
  move();
  try_again_without_claims();
  finish_sinks();
  tell_what_moved();

  std::vector<Delivery> deliveries;
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      const std::string& name = dispatch.destination->name;
      if (dispatch.error) {
        // Of several images, which one; and where it is that something is damaged.
        const bool wanted = shipments_.size() > 1 || is_damage(*dispatch.error);
        const bool named = !wanted || mentions(*dispatch.error, shipment.order->name);
        deliveries.push_back(
            {name, named ? *dispatch.error : dispatch.error->with_context(shipment.order->name)});
      } else if (!dispatch.delivered) {
        deliveries.push_back({name, make_error(Errc::internal, name + ": neither delivered nor failed")});
      } else {
        deliveries.push_back({name, *std::move(dispatch.delivered)});
      }
    }
  }
  return deliveries;
}

/// Sinks where everything has arrived do not wait for one that is much slower. Where manifests are written
/// from what has arrived they may have to be written anew (try_again_without_claims()), so there they do.
void Run::finish_complete_sinks() {
  std::map<ContentSink*, bool> complete;
  {
    MutexLock lock(mutex_);
    if (slow_.empty()) return;
    for (const Shipment& shipment : shipments_) {
      if (!shipment.images.empty()) return;
      for (const Dispatch& dispatch : shipment.dispatches)
        complete.try_emplace(dispatch.sink(), true).first->second &= dispatch.delivered && !dispatch.error;
    }
  }
  for (const auto& [sink, all] : complete) {
    if (all) finished_.emplace(sink, sink->finish(context_));
  }
}

void Run::tell_what_moved() {
  for (const Shipment& shipment : shipments_) {
    for (const Dispatch& dispatch : shipment.dispatches) {
      if (dispatch.error || !dispatch.delivered || !dispatch.destination->tells_moved) continue;
      for (const Tag& tag : dispatch.tags) {
        if (!tag.now || *tag.now == dispatch.delivered->root.digest) continue;
        board_.note(dispatch.destination->name + ": the tag " + tag.name + " was at another image before, " +
                    tag.now->to_string());
      }
    }
  }
}

/// The last step of each sink. One that shows nothing before it shows either all its images or none.
void Run::finish_sinks() {
  std::map<ContentSink*, std::vector<Dispatch*>> sinks;
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) sinks[dispatch.sink()].push_back(&dispatch);
  }
  for (const auto& [sink, dispatches] : sinks) {
    const auto failed =
        std::ranges::find_if(dispatches, [](const Dispatch* one) { return one->error.has_value(); });
    const bool delivered =
        std::ranges::any_of(dispatches, [](const Dispatch* one) { return one->delivered.has_value(); });
    std::optional<Error> error;
    if (failed != dispatches.end() && sink->all_or_nothing()) {
      const Error& cause = *(*failed)->error;
      error = make_error(cause.code, (*failed)->destination->name +
                                         " was not written, because another image for it failed")
                  .on(cause.side);
    } else if (delivered) {
      const auto early = finished_.find(sink);
      const auto finished = early == finished_.end() ? sink->finish(context_) : early->second;
      if (!finished) error = finished.error().on(Side::destination);
    }
    if (!error) continue;
    for (Dispatch* dispatch : dispatches) {
      if (!dispatch->error) dispatch->error = error;
    }
  }
}

Result<std::vector<Plan>> Run::plan() {
  DAVIT_TRY(std::vector<Result<Plan>> each, plans());
  std::vector<Plan> out;
  for (Result<Plan>& plan : each) {
    if (!plan) return plan.error();
    out.push_back(*std::move(plan));
  }
  return out;
}

Result<std::vector<Result<Plan>>> Run::plans() {
  DAVIT_TRY_VOID(prepare());
  std::vector<Result<Plan>> out;
  for (const Shipment& shipment : shipments_) {
    for (const Dispatch& dispatch : shipment.dispatches)
      out.push_back(dispatch.error ? Result<Plan>(*dispatch.error) : plan_of(shipment, dispatch));
  }
  return out;
}

Result<> Run::read_configs() {
  for (Shipment& shipment : shipments_) {
    const content::RawImage* raw = shipment.raw();
    if (raw == nullptr) {
      if (settings_.recompress == Recompress::no && shipment.order->made.empty()) continue;
      if (auto read = read_pending_images(shipment); !read)
        return read.error().with_context(shipment.order->name).on(Side::source);
      continue;
    }
    auto config = model::ImageConfig::parse(raw->config);
    if (!config) return config.error().with_context(shipment.order->name).on(Side::source);
    const bool docker =
        settings_.format != ManifestFormat::oci && settings_.target() != model::Compression::zstd;
    shipment.images.push_back(
        {.frame = std::nullopt,
         .config = *std::move(config),
         .config_blob = {.media_type = std::string(docker ? model::kDockerConfig : model::kOciConfig),
                         .digest = Digest::of(raw->config),
                         .size = raw->config.size()}});
  }
  return {};
}

Result<> Run::walk_sources() {
  for (Shipment& shipment : shipments_) {
    if (!shipment.images.empty() || !shipment.manifests.empty()) continue;
    const Descriptor& root = std::get<Descriptor>(shipment.order->root);
    const auto is_there = [&](const Dispatch& dispatch) {
      return !dispatch.live() ||
             (vouches(*dispatch.sink()) && !dispatch.tags.empty() &&
              std::ranges::all_of(dispatch.tags, [&](const Tag& tag) { return tag.now == root.digest; }));
    };
    if (std::ranges::all_of(shipment.dispatches, is_there)) {  // nothing below the root is of interest
      auto manifest = shipment.order->source->manifest(root.digest.to_string(), context_);
      if (!manifest) return manifest.error().with_context(shipment.order->name).on(Side::source);
      shipment.manifests = {*std::move(manifest)};
      continue;
    }
    content::Graph graph;
    if (shipment.order->graph != nullptr) {
      graph = std::move(*shipment.order->graph);
    } else {
      auto walked = content::walk(
          *shipment.order->source, root, context_,
          {.pool = &pool_, .referrers = settings_.referrers, .without = &shipment.order->settled});
      if (!walked) return walked.error().with_context(shipment.order->name).on(Side::source);
      graph = *std::move(walked);
    }
    for (const Descriptor& blob : graph.blobs) {
      Leaf& below = leaf(blob.digest.to_string());
      below.descriptor = blob;
      shipment.carried.push_back(&below);
    }
    shipment.manifests = std::move(graph.manifests);
    if (settings_.compression == LayerCompression::gzip || settings_.compression == LayerCompression::zstd)
      tell_what_stays_plain(shipment);
  }
  return {};
}

/// Whoever asked for a compression hears where it is not applied.
void Run::tell_what_stays_plain(const Shipment& shipment) {
  const bool plain = std::ranges::any_of(shipment.manifests, [](const Manifest& manifest) {
    return std::ranges::any_of(manifest.layers(), [](const Descriptor& layer) {
      return model::is_plain_layer(model::essence(layer.media_type));
    });
  });
  if (plain)
    board_.note(shipment.order->name + ": its uncompressed layers travel as they are, like all that comes " +
                "with a manifest; --recompress compresses them");
}

/// Whether a root that is there answers for everything that goes with it.
bool Run::vouches(const ContentSink& sink) const {
  return sink.names_vouch() && !settings_.referrers;
}

Leaf& Run::leaf(const std::string& key) {
  return leaves_[key];
}

bool Arrival::needed() const {
  return std::ranges::any_of(
      dispatches, [](const Dispatch* dispatch) { return dispatch->live() && !dispatch->root_present; });
}

}  // namespace davit::transfer
