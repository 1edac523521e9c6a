// The leaves: what they are, where they are already, and the moving of the rest.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "codec/decompress.h"
#include "content/source_content.h"
#include "io/memory.h"
#include "io/verified.h"
#include "transfer/assemble.h"
#include "transfer/outage.h"
#include "transfer/run.h"
#include "transfer/tee.h"
#include "transfer/turns.h"

namespace davit::transfer {
namespace {

/// So many questions about blobs are not worth one that may save them.
constexpr std::size_t kFewBlobs = 8;
/// Known blobs up to this size go from the source to a single sink without a thread in between.
constexpr std::uint64_t kSmall = 128 << 10;

using State = Arrival::State;

void fail(Arrival& arrival, const Error& error) {
  arrival.state = State::failed;
  arrival.error = error.side == Side::local ? error.on(Side::destination) : error;
}

}  // namespace

void Run::make_leaves() {
  for (Shipment& shipment : shipments_) {
    shipment.leaves = shipment.carried;
    std::set<Digest> configs;
    for (const std::vector<Manifest>* all : {&shipment.manifests, &shipment.frames}) {
      for (const Manifest& manifest : *all) {
        if (manifest.config()) configs.insert(manifest.config()->digest);
      }
    }
    for (Leaf* below : shipment.carried) {
      const Digest& digest = below->descriptor->digest;
      below->name = (configs.contains(digest) ? "config " : "layer ") + digest.short_form();
      below->source = content::blob_content(shipment.order->source, *below->descriptor);
      below->ranges = shipment.order->source->range_reader();
      below->bytes_to_read = below->descriptor->size;
      want(*below, shipment);
    }
    if (!shipment.manifests.empty()) continue;  // all of them are carried, or the image was adopted
    const auto reused = common_layers(shipment);
    for (PendingImage& image : shipment.images) make_image_leaves(shipment, image, reused);
  }
}

void Run::make_image_leaves(Shipment& shipment, PendingImage& image,
                            const std::map<Digest, Descriptor>& reused) {
  image.layers.clear();
  const auto add = [&](const content::RawLayer& layer) {
    const auto found = reused.find(layer.diff_id);
    Leaf& below = layer_leaf(layer, found == reused.end() ? nullptr : &found->second);
    want(below, shipment);
    shipment.leaves.push_back(&below);
    image.layers.push_back(&below);
  };
  if (const content::RawImage* raw = shipment.raw()) {
    Leaf& config = config_leaf(*raw, image);
    want(config, shipment);
    shipment.leaves.push_back(&config);
    std::ranges::for_each(raw->layers, add);
    return;
  }
  for (std::size_t i = 0; i < image.frame->layers().size(); ++i) {
    const Descriptor& layer = image.frame->layers()[i];
    if (!makes_anew(*shipment.order, *image.frame, layer)) {
      image.layers.push_back(nullptr);
      continue;
    }
    add({.diff_id = image.config.diff_ids[i],
         .content = content::blob_content(shipment.order->source, layer),
         .size = layer.size,
         .stored = model::compression_of(model::essence(layer.media_type))});
  }
}

Leaf& Run::config_leaf(const content::RawImage& raw, const PendingImage& image) {
  Leaf& config = leaf(image.config_blob.digest.to_string());
  config.name = "config " + image.config_blob.digest.short_form();
  config.source = std::make_shared<io::MemoryContent>(raw.config, image.config_blob.media_type);
  config.descriptor = image.config_blob;
  config.bytes_to_read = raw.config.size();
  return config;
}

Leaf& Run::layer_leaf(const content::RawLayer& layer, const Descriptor* reused) {
  if (reused != nullptr) {
    Leaf& below = leaf("reused:" + reused->digest.to_string());
    below.name = "layer " + reused->digest.short_form();
    below.descriptor = *reused;
    return below;
  }
  if (layer.stored == model::Compression::none && settings_.target() == model::Compression::none) {
    Leaf& below = leaf(layer.diff_id.to_string());  // what is not compressed is known beforehand
    below.name = "layer " + layer.diff_id.short_form();
    below.source = layer.content;
    below.descriptor =
        Descriptor{.media_type = std::string(model::kOciLayer), .digest = layer.diff_id, .size = layer.size};
    below.bytes_to_read = layer.size;
    return below;
  }
  // Whoever says that other bytes hold this layer has to be right as well.
  const auto known = layer.content->descriptor();
  const Digest& shown = known ? known->digest : layer.diff_id;
  Leaf& below =
      leaf("raw:" + layer.diff_id.to_string() + (shown == layer.diff_id ? "" : " " + shown.to_string()));
  below.name = "layer " + shown.short_form();
  below.source = layer.content;
  below.diff_id = layer.diff_id;
  below.stored = layer.stored;
  below.remade = layer.stored == model::Compression::none || settings_.recompresses(layer.stored);
  below.form = below.remade ? settings_.target() : layer.stored;
  below.bytes_to_read = layer.size;
  return below;
}

void Run::want(Leaf& leaf, Shipment& shipment) {
  for (Dispatch& dispatch : shipment.dispatches) {
    if (!dispatch.live()) continue;
    Arrival& arrival = leaf.arrivals[dispatch.sink()];
    // A layer may stand in an image several times.
    if (std::ranges::find(arrival.dispatches, &dispatch) == arrival.dispatches.end())
      arrival.dispatches.push_back(&dispatch);
    if (leaf.descriptor && dispatch.destination->mount_from)
      arrival.mount_from = dispatch.destination->mount_from(*leaf.descriptor);
    const auto known = leaf.descriptor ? dispatch.known.find(leaf.descriptor->digest) : dispatch.known.end();
    const bool there = known != dispatch.known.end() && known->second.digest == leaf.descriptor->digest;
    const std::optional<bool> told = leaf.descriptor && dispatch.destination->holds
                                         ? dispatch.destination->holds(leaf.descriptor->digest)
                                         : std::nullopt;
    arrival.absent = told == false;
    if (leaf.source == nullptr) {
      arrival.state = State::reused;
    } else if (there || told == true) {
      arrival.state = State::present;
    } else if (leaf.diff_id && dispatch.known.contains(*leaf.diff_id)) {
      arrival.state = State::claimed;
    }
  }
}

/// What has to be moved, image by image.
std::vector<Leaf*> Run::in_turn() {
  using Turn = std::pair<Leaf*, Shipment*>;
  std::vector<std::vector<Turn>> images;
  for (Shipment& shipment : shipments_) {
    std::vector<Turn>& image = images.emplace_back();
    for (Leaf* leaf : shipment.leaves) {
      if (std::ranges::any_of(leaf->arrivals, [](const auto& arrival) { return arrival.second.pending(); }))
        image.emplace_back(leaf, &shipment);
    }
  }
  take_turns(images, [](const Turn& turn) { return turn.first->bytes_to_read; });
  std::vector<Leaf*> out;
  std::set<const Leaf*> seen;
  for (const std::vector<Turn>& image : images) {
    for (const auto& [leaf, shipment] : image) {
      if (!seen.insert(leaf).second) continue;
      leaf->turn = shipment;
      out.push_back(leaf);
    }
  }
  return out;
}

/// Repositories that hold nothing yet, where a question for each blob can be saved: nothing that was looked
/// for under a tag is there, there is not even a list of tags, and nothing of what a run that was ended would
/// have left.
std::set<const ContentSink*> Run::empty_sinks() {
  std::map<ContentSink*, std::size_t> blobs;
  for (auto& [key, leaf] : leaves_) {
    for (auto& [sink, arrival] : leaf.arrivals)
      blobs[sink] += arrival.pending() && leaf.descriptor && !arrival.absent ? 1 : 0;
  }
  for (const Shipment& shipment : shipments_) {
    for (const Dispatch& dispatch : shipment.dispatches) {
      const bool found =
          std::ranges::any_of(dispatch.tags, [](const Tag& tag) { return tag.now.has_value(); });
      if (found || dispatch.tags.empty()) blobs.erase(dispatch.sink());
    }
  }
  std::vector<ContentSink*> asked;
  for (const auto& [sink, count] : blobs) {
    ContentSource* there = sink->probe_batch() == 1 ? sink->earlier() : nullptr;
    if (count > kFewBlobs && there != nullptr && there->tag_lister() != nullptr) asked.push_back(sink);
  }
  struct Question {
    ContentSink* sink;
    const Descriptor* blob;  ///< null: about its tags
    bool found = true;
  };
  std::vector<Question> questions;
  const std::vector<Leaf*> leaves = asked.empty() ? std::vector<Leaf*>() : in_turn();
  for (ContentSink* sink : asked) {
    questions.push_back({sink, nullptr});
    std::vector<const Descriptor*> wanted;
    std::vector<std::uint64_t> sizes;
    for (const Leaf* leaf : leaves) {
      if (!leaf->descriptor || !leaf->arrivals.contains(sink)) continue;
      wanted.push_back(&*leaf->descriptor);
      sizes.push_back(leaf->descriptor->size);
    }
    for (const std::size_t place : telling_places(sizes)) questions.push_back({sink, wanted[place]});
  }
  for_each_index(pool_, questions.size(), [&](std::size_t i) {
    Question& question = questions[i];
    if (question.blob == nullptr) {
      const auto tags = question.sink->earlier()->tag_lister()->tags(1, context_);
      question.found = tags || tags.error().code != Errc::not_found;
    } else {
      const auto there = question.sink->probe({question.blob, 1}, context_);
      question.found = there && there->front() != Presence::absent;
    }
  });
  std::set<const ContentSink*> out(asked.begin(), asked.end());
  for (const Question& question : questions) {
    if (question.found) out.erase(question.sink);
  }
  return out;
}

void Run::probe() {
  struct Question {
    ContentSink* sink;
    std::vector<Descriptor> descriptors;
    std::vector<Leaf*> leaves;     // beside the descriptors; null for a root
    std::vector<Dispatch*> roots;  // beside the descriptors; null for a leaf
    std::optional<Error> error;
  };
  std::deque<Question> questions;
  std::map<ContentSink*, Question*> open;  // the one with room left
  const std::set<const ContentSink*> empty = empty_sinks();
  const auto ask = [&](ContentSink* sink, const Descriptor& descriptor, Leaf* about, Dispatch* root) {
    if (empty.contains(sink)) return;
    Question*& question = open[sink];
    if (question == nullptr || question->descriptors.size() == sink->probe_batch())
      question = &questions.emplace_back(Question{.sink = sink});
    question->descriptors.push_back(descriptor);
    question->leaves.push_back(about);
    question->roots.push_back(root);
  };
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      if (!dispatch.live() || shipment.raw() != nullptr || shipment.manifests.empty()) continue;
      if (!shipment.order->look) continue;
      const Descriptor& root = shipment.manifests.back().descriptor();
      if (!vouches(*dispatch.sink())) continue;
      const bool tagged =
          std::ranges::any_of(dispatch.tags, [&](const Tag& tag) { return tag.now == root.digest; });
      if (tagged) {
        dispatch.root_present = true;
      } else {
        ask(dispatch.sink(), root, nullptr, &dispatch);
      }
    }
  }
  for (auto& [key, leaf] : leaves_) {
    if (!leaf.descriptor) continue;
    for (auto& [sink, arrival] : leaf.arrivals) {
      // One request that mounts is cheaper than one that asks and one that mounts; a batch is cheaper still.
      const bool mountable =
          !arrival.mount_from.empty() && sink->mounter() != nullptr && sink->probe_batch() == 1;
      if (arrival.state == State::wanted && arrival.needed() && !mountable && !arrival.absent)
        ask(sink, *leaf.descriptor, &leaf, nullptr);
    }
  }
  std::vector<std::vector<Presence>> answers(questions.size());
  for_each_index(pool_, questions.size(), [&](std::size_t i) {
    questions[i].error = outage_of(questions[i].sink);
    if (questions[i].error) return;
    auto answer = questions[i].sink->probe(questions[i].descriptors, context_);
    if (answer) {
      answers[i] = *std::move(answer);
    } else if (answer.error().code == Errc::denied) {
      // One who may write need not be allowed to look; if writing is denied too, that answer says why.
      answers[i].assign(questions[i].descriptors.size(), Presence::absent);
    } else {
      questions[i].error = answer.error().on(Side::destination);
      note_outage(questions[i].sink, *questions[i].error);
    }
  });
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    for (std::size_t k = 0; k < question.descriptors.size(); ++k) {
      if (question.error) {
        if (question.leaves[k] != nullptr)
          fail(question.leaves[k]->arrivals.at(question.sink), *question.error);
        if (question.roots[k] != nullptr) question.roots[k]->error = question.error;
        continue;
      }
      const Presence presence = answers[i].at(k);
      if (question.roots[k] != nullptr) question.roots[k]->root_present = presence == Presence::sealed;
      if (question.leaves[k] != nullptr && presence != Presence::absent)
        question.leaves[k]->arrivals.at(question.sink).state = State::present;
    }
  }
  // Below a root that is there everything is there.
  for (Shipment& shipment : shipments_) {
    for (const Dispatch& dispatch : shipment.dispatches) {
      if (!dispatch.root_present) continue;
      for (Leaf* below : shipment.leaves) {
        Arrival& arrival = below->arrivals.at(dispatch.sink());
        if (arrival.state == State::wanted && !arrival.needed()) arrival.state = State::present;
      }
    }
  }
}

void Run::move() {
  std::vector<Leaf*> moving = in_turn();
  std::uint64_t bytes = 0;
  for (const Leaf* leaf : moving) bytes += leaf->bytes_to_read;
  std::uint64_t present = 0;
  for (const auto& each : leaves_) {
    const auto any = [&](bool (Arrival::*is)() const) {
      return std::ranges::any_of(each.second.arrivals,
                                 [&](const auto& arrival) { return (arrival.second.*is)(); });
    };
    present += !any(&Arrival::pending) && any(&Arrival::there) ? 1 : 0;
  }
  const auto live = [](const Shipment& shipment) {
    return std::ranges::any_of(shipment.dispatches, &Dispatch::live);
  };
  if (std::ranges::any_of(shipments_, live)) board_.planned(moving.size(), bytes, present);
  const std::vector<Dispatch*> complete = count_outstanding(moving);
  std::optional<WorkerPool> unpackers;
  if (unpackers_ != 0) submit_unpacking(moving, unpackers.emplace(unpackers_));
  for_each_index(pool_, complete.size() + moving.size(), [&](std::size_t i) {
    if (i < complete.size()) {
      seal(*complete[i]);
    } else {
      move_leaf(*moving[i - complete.size()]);
    }
  });
  unpackers.reset();  // ends when they are done
  finish_complete_sinks();
  finish_stragglers();
}

/// Takes the leaves out of `moving` whose decoders need much memory: few of them may be at work at once.
void Run::submit_unpacking(std::vector<Leaf*>& moving, WorkerPool& unpackers) {
  std::erase_if(moving, [&](Leaf* leaf) {
    if (!leaf->remade || leaf->stored != model::Compression::zstd) return false;
    unpackers.submit([this, leaf] {
      // Where even this fails, the destination is neither delivered nor failed, and deliver() says so.
      static_cast<void>(guarded([&]() -> Result<> {
        move_leaf(*leaf);
        return {};
      }));
    });
    return true;
  });
}

/// Tells each destination how many leaves it waits for; returns those that wait for none. A leaf that could
/// not even be asked for has failed its destinations already.
std::vector<Dispatch*> Run::count_outstanding(const std::vector<Leaf*>& moving) {
  for (auto& [key, leaf] : leaves_) {
    for (auto& [sink, arrival] : leaf.arrivals) {
      for (Dispatch* dispatch : arrival.dispatches) {
        if (arrival.state == State::failed && dispatch->waits()) dispatch->error = arrival.error;
      }
    }
  }
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) dispatch.outstanding = 0;
  }
  for (const Leaf* leaf : moving) {
    for (const auto& [sink, arrival] : leaf->arrivals) {
      if (!arrival.pending()) continue;
      for (Dispatch* dispatch : arrival.dispatches) dispatch->outstanding += dispatch->waits() ? 1 : 0;
    }
  }
  std::vector<Dispatch*> complete;
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      if (dispatch.live() && dispatch.outstanding == 0) complete.push_back(&dispatch);
    }
  }
  return complete;
}

/// Unpacked where it is compressed, and compressed where it should be.
std::shared_ptr<const Content> Run::remade(const Leaf& leaf, std::shared_ptr<const Content> source) {
  const auto known = source->descriptor();
  if (known && known->digest != *leaf.diff_id) source = io::verified(std::move(source));
  if (leaf.stored != model::Compression::none)
    source = codec::decompressed(leaf.stored, std::move(source), {});
  if (leaf.form == model::Compression::none) return codec::plain_layer(std::move(source), *leaf.diff_id);
  return compressor_.compressed(std::move(source), {leaf.form, settings_.level}, *leaf.diff_id);
}

/// The bytes that the sinks get: verified, and compressed where that was asked for.
std::shared_ptr<const Content> Run::content_of(const Leaf& leaf, std::shared_ptr<BlobProgress> progress) {
  std::shared_ptr<const Content> source = counted(leaf.source, std::move(progress));
  if (leaf.diff_id && leaf.remade) {
    source = remade(leaf, std::move(source));
  } else if (leaf.diff_id) {
    source = codec::stored_layer(std::move(source), leaf.bytes_to_read, leaf.stored, *leaf.diff_id, {});
  }
  return io::verified(std::move(source));
}

void Run::move_leaf(Leaf& leaf) {
  std::vector<ContentSink*> sinks;
  std::vector<ContentSink*> claimed;
  {
    MutexLock lock(mutex_);
    for (auto& [sink, arrival] : leaf.arrivals) {
      if (!arrival.pending()) continue;
      if (const auto slow = slow_.find(sink); slow != slow_.end()) {
        slow->second->submit([this, &leaf, at = sink] { bring_alone(leaf, at); });
      } else {
        (arrival.state == State::wanted ? sinks : claimed).push_back(sink);
      }
    }
  }
  if (sinks.empty() && claimed.empty()) return;
  if (!may_begin(leaf)) {
    sinks.insert(sinks.end(), claimed.begin(), claimed.end());
    for (ContentSink* sink : sinks)
      arrived(leaf, sink, State::failed, make_error(Errc::cancelled, leaf.name + ": not begun, to end soon"),
              std::nullopt);
    return;
  }

  const std::shared_ptr<BlobProgress> progress = board_.start(leaf.name, leaf.bytes_to_read);
  const std::shared_ptr<const Content> content = content_of(leaf, progress);
  if (sinks.size() == 1 && bring_as_draft(leaf, sinks.front(), *progress)) {
    // in whatever order its bytes came
  } else if (sinks.size() == 1) {
    if (leaf.descriptor && leaf.bytes_to_read <= kSmall) {
      bring(leaf, sinks.front(), *content);
    } else {
      Tee ahead(content, 1, {}, context_);
      bring(leaf, sinks.front(), *ahead.branch(0));
    }
  } else if (!sinks.empty()) {
    bring_everywhere(leaf, sinks, content);
  }
  for (ContentSink* sink : claimed) bring_claimed(leaf, sink, *content);
  progress->complete();  // also where nothing had to be read
  board_.finish(progress);
}

/// Once no further image is to be begun, only those are completed that were.
bool Run::may_begin(const Leaf& leaf) {
  MutexLock lock(mutex_);
  if (!settings_.enough.stop_requested()) {
    if (leaf.turn != nullptr) leaf.turn->begun = true;
    return true;
  }
  return std::ranges::any_of(leaf.arrivals, [](const auto& arrival) {
    return std::ranges::any_of(arrival.second.dispatches,
                               [](const Dispatch* each) { return each->live() && each->shipment->begun; });
  });
}

/// Mounts the blob where that is possible, and puts it otherwise.
void Run::bring(Leaf& leaf, ContentSink* sink, const Content& content) {
  const auto stored = guarded([&]() -> Result<State> {
    DAVIT_TRY_VOID(check(context_));
    if (const auto outage = outage_of(sink)) return *outage;
    if (mount(leaf, sink)) return State::mounted;
    DAVIT_TRY_VOID(sink->put_blob(content, context_));
    return State::sent;
  });
  if (stored) {
    arrived(leaf, sink, *stored, std::nullopt, content.descriptor());
  } else {
    // A sink names a blob whose digest is known, and itself; a source knows neither.
    const bool named = !leaf.diff_id && stored.error().side == Side::destination;
    arrived(leaf, sink, State::failed,
            named ? stored.error() : stored.error().with_context(settings_.verb + " " + leaf.name),
            content.descriptor());
  }
}

/// Whether the destination's registry took the blob over from the source's repository. Where not, for
/// whatever reason, the bytes are sent.
bool Run::mount(const Leaf& leaf, ContentSink* sink) {
  if (!may_mount(leaf, *sink)) return false;
  const auto mounted = sink->mounter()->mount(*leaf.descriptor, leaf.arrivals.at(sink).mount_from, context_);
  return mounted && *mounted;
}

bool Run::may_mount(const Leaf& leaf, ContentSink& sink) {
  return !leaf.arrivals.at(&sink).mount_from.empty() && !leaf.diff_id && sink.mounter() != nullptr;
}

/// For a sink that takes bytes in any order; false for any other.
bool Run::bring_as_draft(Leaf& leaf, ContentSink* sink, BlobProgress& progress) {
  if (leaf.diff_id) return false;
  bool drafted = true;
  const auto stored = guarded([&]() -> Result<> {
    DAVIT_TRY_VOID(check(context_));
    auto draft = sink->draft(*leaf.descriptor, context_);
    if (!draft) return draft.error().on(Side::destination);
    drafted = *draft != nullptr;
    if (!drafted) return {};
    slots_.take();
    auto filled = guarded([&] {
      return assemble({*leaf.descriptor, *leaf.source, leaf.ranges}, **draft, slots_, progress, {}, context_);
    });
    slots_.give_back();
    return filled;
  });
  if (!drafted) return false;
  if (stored) {
    arrived(leaf, sink, State::sent, std::nullopt, leaf.descriptor);
  } else {
    const bool named = stored.error().message.find(leaf.descriptor->digest.short_form()) != std::string::npos;
    arrived(leaf, sink, State::failed,
            named ? stored.error() : stored.error().with_context(settings_.verb + " " + leaf.name),
            leaf.descriptor);
  }
  return true;
}

/// One reading for all sinks, each on a thread of its own. Whoever is not done when the others have been for
/// a while goes on without this job, and its later leaves go to workers of its own.
void Run::bring_everywhere(Leaf& leaf, const std::vector<ContentSink*>& sinks,
                           const std::shared_ptr<const Content>& content) {
  struct Group {
    Mutex mutex;
    CondVar changed;
    std::vector<bool> done DAVIT_GUARDED_BY(mutex);
  };
  const TeeOptions options;
  const auto tee =
      std::make_shared<Tee>(content, sinks.size(), options, context_);  // co-owned by the threads
  const auto group = std::make_shared<Group>();                         // likewise
  std::vector<std::thread> threads;
  threads.reserve(sinks.size());
  {
    MutexLock lock(group->mutex);
    group->done.resize(sinks.size());
  }
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    const auto feed = [this, &leaf, sink = sinks[i], tee, group, i] {
      bring(leaf, sink, *tee->branch(i));
      tee->release(i);
      MutexLock lock(group->mutex);
      group->done[i] = true;
      group->changed.notify_all();
    };
    try {
      threads.emplace_back(feed);
    } catch (const std::system_error&) {  // no thread to be had: one after the other, each from an opening of
                                          // its own
      threads.emplace_back();
      feed();
    }
  }
  std::vector<bool> done;
  {
    MutexLock lock(group->mutex);
    std::ptrdiff_t finished = 0;
    auto since = std::chrono::steady_clock::now();
    for (;;) {
      const std::ptrdiff_t now = std::ranges::count(group->done, true);
      if (now == std::ssize(sinks)) break;
      if (now > finished) since = std::chrono::steady_clock::now();
      finished = now;
      if (finished == 0) {
        group->changed.wait(group->mutex);
      } else if (!group->changed.wait_until(group->mutex, since + options.patience) &&
                 std::ranges::count(group->done, true) == finished) {
        break;
      }
    }
    done = group->done;
  }
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    if (done[i] && threads[i].joinable()) threads[i].join();
    if (done[i] && !tee->detached(i)) continue;
    board_.note(leaf.name + ": a destination that is much slower than the others goes on alone");
    MutexLock lock(mutex_);
    if (!done[i]) stragglers_.push_back(std::move(threads[i]));
    std::unique_ptr<WorkerPool>& own = slow_[sinks[i]];
    if (!own) own = std::make_unique<WorkerPool>(unpackers_ != 0 ? unpackers_ : pool_.size());
  }
}

/// A destination said to hold the layer in some form: it is there if that form is what this run made, and is
/// sent otherwise. With nothing made yet (all destinations say so, in different forms) the first one is sent
/// to.
void Run::bring_claimed(Leaf& leaf, ContentSink* sink, const Content& content) {
  if (const auto made = content.descriptor()) {
    const bool same = std::ranges::any_of(leaf.arrivals.at(sink).dispatches, [&](const Dispatch* dispatch) {
      const auto claim = dispatch->known.find(*leaf.diff_id);
      return claim != dispatch->known.end() && claim->second.digest == made->digest;
    });
    if (same) return arrived(leaf, sink, State::present, std::nullopt, made);
  }
  bring(leaf, sink, content);
}

/// The same for a destination that is not waited for: the source is read once more for it.
void Run::bring_alone(Leaf& leaf, ContentSink* sink) {
  const std::shared_ptr<const Content> content =
      content_of(leaf, std::make_shared<BlobProgress>(leaf.name, leaf.bytes_to_read, uncounted_));
  bring(leaf, sink, *content);
}

/// Notes what became of a leaf at a sink. The caller seals each image that this completes.
void Run::arrived(Leaf& leaf, ContentSink* sink, State state, std::optional<Error> error,
                  std::optional<Descriptor> stored) {
  std::vector<Dispatch*> complete;
  {
    MutexLock lock(mutex_);
    if (!leaf.descriptor) leaf.descriptor = std::move(stored);
    Arrival& arrival = leaf.arrivals.at(sink);
    arrival.state = state;
    if (error) arrival.error = error->side == Side::local ? error->on(Side::destination) : *error;
    const bool lost = arrival.error && arrival.error->side == Side::destination &&
                      is_outage(*arrival.error) && outages_.emplace(sink, *arrival.error).second;
    if (lost) fail_all(sink, *arrival.error);
    for (Dispatch* dispatch : arrival.dispatches) {
      if (!dispatch->waits()) continue;
      if (arrival.error) {
        dispatch->error = arrival.error;
      } else if (--dispatch->outstanding == 0) {
        complete.push_back(dispatch);
      }
    }
  }
  for (Dispatch* dispatch : complete) seal(*dispatch);
}

void Run::fail_all(const ContentSink* sink, const Error& error) {
  for (Shipment& shipment : shipments_) {
    for (Dispatch& dispatch : shipment.dispatches) {
      if (dispatch.sink() == sink && dispatch.live()) dispatch.error = error;
    }
  }
}

std::optional<Error> Run::outage_of(const ContentSink* sink) const {
  MutexLock lock(mutex_);
  const auto found = outages_.find(sink);
  return found == outages_.end() ? std::nullopt : std::optional(found->second);
}

void Run::note_outage(const ContentSink* sink, const Error& error) {
  if (!is_outage(error)) return;
  MutexLock lock(mutex_);
  outages_.emplace(sink, error);
}

void Run::finish_stragglers() {
  std::vector<std::thread> stragglers;
  std::map<ContentSink*, std::unique_ptr<WorkerPool>> slow;
  {
    MutexLock lock(mutex_);
    stragglers.swap(stragglers_);
    slow.swap(slow_);
  }
  for (std::thread& straggler : stragglers) straggler.join();
  slow.clear();  // runs what is still queued there
}

}  // namespace davit::transfer
