#include "client/tagged.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "base/error.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "content/overlay.h"
#include "model/digest_tags.h"
#include "model/tag_choice.h"

namespace davit::client {
namespace {

constexpr std::size_t kMostTags = 100'000;
/// Manifests beyond this are read again when their turn comes.
constexpr std::uint64_t kMostHeld = 4u << 20;
constexpr std::size_t kAtOnce = 256;

/// How the tags begin that belong to an image, and to those that its index lists; nothing for one that has no
/// manifest yet.
Result<std::set<std::string>> stems_of(const Picked& picked, const CallContext& context) {
  std::set<std::string> stems;
  const auto* root = std::get_if<Descriptor>(&picked.image.root);
  if (root == nullptr) return stems;
  stems.insert(model::stem_of(root->digest));
  DAVIT_TRY(const Manifest manifest, picked.source->manifest(root->digest.to_string(), context));
  for (const Descriptor& child : manifest.manifests()) stems.insert(model::stem_of(child.digest));
  return stems;
}

bool belongs(const std::string& tag, const std::set<std::string>& stems, bool with_index) {
  const auto dot = tag.find('.');
  return Reference::is_tag(tag) && stems.contains(tag.substr(0, dot)) &&
         (with_index || dot != std::string::npos);
}

}  // namespace

Result<> TaggedImages::list(const CallContext& context) {
  if (listed_) return {};
  DAVIT_TRY(repository_, registries_.repository(named_.host, named_.repository, Side::source));
  DAVIT_TRY(tags_, repository_->tags(kMostTags + 1, context));
  if (tags_.size() > kMostTags)
    return make_error(Errc::unsupported,
                      named_.name() + " has more than " + std::to_string(kMostTags) + " tags")
        .on(Side::source);
  listed_ = true;
  return {};
}

Picked TaggedImages::picked_as(const std::string& tag, Manifest manifest) {
  picked_.insert(tag);
  Picked one;
  one.image.root = manifest.descriptor();
  one.label = named_.name() + ":" + tag;
  one.image.names = {one.label};
  one.source = repository_;
  if (held_ += manifest.bytes().size(); held_ <= kMostHeld)
    one.source = content::with_manifest(repository_, std::move(manifest));
  return one;
}

Result<std::vector<Picked>> TaggedImages::all(const TagChoice& choice, bool with_lists,
                                              const CallContext& context) {
  if (!named_.tag.empty() || named_.digest)
    return make_error(Errc::invalid_argument,
                      named_.to_string() + " names one image, and all tags were asked for",
                      "davit copy -a " + named_.name() + " takes all of them, davit copy " +
                          named_.to_string() + " this one");
  DAVIT_TRY_VOID(list(context));
  std::vector<std::string> tags = tags_;
  if (!with_lists) std::erase_if(tags, model::names_referrers);
  DAVIT_TRY(const std::vector<std::string> chosen, model::choose_tags(std::move(tags), choice));
  if (chosen.empty())
    return make_error(Errc::not_found,
                      named_.name() + ": none of " + std::to_string(tags_.size()) + " tags is meant",
                      "patterns match a whole tag, and only tags with three numbers are versions")
        .on(Side::source);
  std::vector<Picked> out;
  WorkerPool side_by_side(std::min(jobs_, chosen.size()));
  for (std::size_t begin = 0; begin < chosen.size(); begin += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, chosen.size() - begin);
    std::vector<std::optional<Result<Manifest>>> manifests(count);
    std::atomic<bool> failed = false;
    for_each_index(side_by_side, count, [&](std::size_t i) {
      if (failed) return;
      manifests[i] = repository_->manifest(chosen[begin + i], context);
      if (!*manifests[i]) failed = true;
    });
    for (const auto& manifest : manifests) {
      if (manifest && !*manifest) return manifest->error().on(Side::source);
    }
    for (std::size_t i = 0; i < count; ++i)
      out.push_back(picked_as(chosen[begin + i], *std::move(*manifests[i])));
  }
  return out;
}

Result<std::vector<Picked>> TaggedImages::companions_of(const Picked& picked, bool with_index,
                                                        const CallContext& context) {
  std::vector<Picked> out;
  DAVIT_TRY_VOID(list(context));
  DAVIT_TRY(const std::set<std::string> stems, stems_of(picked, context));
  for (const std::string& tag : tags_) {
    if (picked_.contains(tag) || !belongs(tag, stems, with_index)) continue;
    DAVIT_TRY(Manifest found, repository_->manifest(tag, context));
    out.push_back(picked_as(tag, std::move(found)));
  }
  return out;
}

namespace {

/// A tag of a list of referrers at one destination.
struct ListThere {
  enum class State { free, taken, unknown };
  const transfer::Order* order;
  transfer::Destination* destination;
  std::string tag;
  State state = State::unknown;
};

/// What cannot be seen may be a list. One that has failed is not asked again.
void look_at(ListThere& list, std::atomic<bool>& failed, const CallContext& context) {
  if (failed) return;
  const auto* root = std::get_if<Descriptor>(&list.order->root);
  const auto there = list.destination->sink->earlier()->resolve(list.tag, context);
  const bool same = there && root != nullptr && there->digest == root->digest;
  if (same || (!there && there.error().code == Errc::not_found)) {
    list.state = ListThere::State::free;
  } else if (there) {
    list.state = ListThere::State::taken;
  } else {
    failed = true;
  }
}

void tell(const std::string& destination, const std::vector<std::string>& tags, bool seen,
          transfer::Board& board) {
  const std::string which =
      tags.front() + (tags.size() == 1 ? "" : " and " + std::to_string(tags.size() - 1) + " more");
  board.note(seen ? destination + " keeps its own list of referrers, " + which +
                        ": --referrers adds to it what the source's names"
                  : destination + " does not say whether it has a list of referrers of its own, so " + which +
                        " is not replaced");
}

}  // namespace

void spare_lists(std::vector<transfer::Order>& orders, const std::set<std::size_t>& asked_for,
                 std::size_t jobs, transfer::Board& board, const CallContext& context) {
  std::vector<ListThere> lists;
  std::map<const ContentSink*, std::atomic<bool>> failed;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (asked_for.contains(i)) continue;
    for (transfer::Destination& destination : orders[i].destinations) {
      if (destination.sink->earlier() == nullptr) continue;
      for (const std::string& tag : destination.tags) {
        if (model::names_referrers(tag)) lists.push_back({&orders[i], &destination, tag});
      }
      failed[destination.sink.get()] = false;
    }
  }
  if (lists.empty()) return;
  WorkerPool side_by_side(std::min(jobs, lists.size()));
  for_each_index(side_by_side, lists.size(), [&](std::size_t i) {
    look_at(lists[i], failed.at(lists[i].destination->sink.get()), context);
  });
  std::map<std::pair<std::string, bool>, std::vector<std::string>> spared;
  for (const ListThere& list : lists) {
    if (list.state == ListThere::State::free) continue;
    std::erase(list.destination->tags, list.tag);
    spared[{list.destination->name, list.state == ListThere::State::taken}].push_back(list.tag);
  }
  for (const auto& [place, tags] : spared) tell(place.first, tags, place.second, board);
  for (const ListThere& list : lists) {
    if (list.destination->tags.empty()) list.destination->sink.reset();
  }
  for (transfer::Order& order : orders)
    std::erase_if(order.destinations, [](const transfer::Destination& each) { return each.sink == nullptr; });
  std::erase_if(orders, [](const transfer::Order& order) { return order.destinations.empty(); });
}

FileCompanions::FileCompanions(std::vector<Picked> beside) {
  for (Picked& each : beside) by_tag_.emplace(each.image.names.front(), std::move(each));
}

Result<std::vector<Picked>> FileCompanions::companions_of(const Picked& picked, bool with_index,
                                                          const CallContext& context) {
  std::vector<Picked> out;
  DAVIT_TRY(const std::set<std::string> stems, stems_of(picked, context));
  for (auto at = by_tag_.begin(); at != by_tag_.end();) {
    const auto here = at++;
    if (!belongs(here->first, stems, with_index)) continue;
    out.push_back(std::move(here->second));
    by_tag_.erase(here);
  }
  return out;
}

}  // namespace davit::client
