#include "mirror/claims.h"

#include <algorithm>

#include "base/error.h"

namespace davit::mirror {
namespace {

/// Null: no account is kept of it.
template <class Places>
auto* place_at(const Reference& at, Places& places) {
  const auto place = places.find(at.name());
  return place == places.end() ? nullptr : &place->second;
}

}  // namespace

Claims::Claims(const std::vector<Route>& routes) {
  std::set<std::string> pruned;
  for (const Route& route : routes) {
    for (const Reference& target : route.targets) {
      Place& place = places_[target.name()];
      place.silent.insert(who(route));
      place.shared = place.silent.size() > 1;
      if (route.job->prune.enabled) pruned.insert(target.name());
    }
  }
  std::erase_if(places_,
                [&](const auto& each) { return !each.second.shared && !pruned.contains(each.first); });
}

std::vector<Claims::Place*> Claims::places_of(const Route& route) {
  std::vector<Place*> out;
  for (const Reference& target : route.targets) {
    if (Place* place = place_at(target, places_)) out.push_back(place);
  }
  return out;
}

void Claims::choose(const Route& route, const std::string& tag) {
  MutexLock lock(mutex_);
  for (Place* place : places_of(route)) place->tags.insert(tag);
}

void Claims::keep(const Reference& at, const Digest& image) {
  MutexLock lock(mutex_);
  if (Place* place = place_at(at, places_)) place->images.insert(image);
}

void Claims::name(const Route& route, const Digest& image) {
  MutexLock lock(mutex_);
  for (Place* place : places_of(route)) place->named.insert(image);
}

bool Claims::counts(const Route& route) const {
  MutexLock lock(mutex_);
  for (const Reference& target : route.targets) {
    if (place_at(target, places_) != nullptr) return true;
  }
  return false;
}

void Claims::told_all(const Route& route) {
  MutexLock lock(mutex_);
  for (Place* place : places_of(route)) place->silent.erase(who(route));
}

Result<bool> Claims::take(const Route& route, const Reference& at, const std::string& tag,
                          const Digest& image) {
  MutexLock lock(mutex_);
  Place* place = place_at(at, places_);
  if (place == nullptr || !place->shared) return true;
  const auto [one, first] = place->taken.try_emplace(tag, Taken{who(route), image});
  Taken& taken = one->second;
  // Empty: the tag is immutable, and nobody has asked what it is.
  if (first || taken.who == who(route) || (taken.image.empty() && !image.empty())) {
    taken = {who(route), image};
    return true;
  }
  if (taken.image == image || image.empty()) return false;
  return make_error(Errc::conflict,
                    at.name() + ":" + tag + " is meant for both " + taken.who.second + " (" +
                        taken.image.short_form() + ") and " + route.source.to_string() + " (" +
                        image.short_form() + ")",
                    "let each go to a repository of its own, or choose different tags");
}

bool Claims::chosen(const Reference& at, const std::string& tag) const {
  MutexLock lock(mutex_);
  const auto* place = place_at(at, places_);
  return place != nullptr && place->tags.contains(tag);
}

std::set<Digest> Claims::kept(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto* place = place_at(at, places_);
  return place == nullptr ? std::set<Digest>() : place->images;
}

std::set<Digest> Claims::named(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto* place = place_at(at, places_);
  return place == nullptr ? std::set<Digest>() : place->named;
}

std::optional<std::string> Claims::silent(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto* place = place_at(at, places_);
  if (place == nullptr || place->silent.empty()) return std::nullopt;
  return place->silent.begin()->second;
}

std::vector<std::vector<const Route*>> in_turn(const std::vector<Route>& routes) {
  std::vector<std::vector<const Route*>> out;
  std::map<std::string, std::size_t> turns;
  for (const Route& route : routes) {
    std::size_t turn = out.size();
    for (const Reference& target : route.targets) {
      const auto known = turns.find(target.name());
      if (known != turns.end()) turn = std::min(turn, known->second);
    }
    if (turn == out.size()) out.emplace_back();
    out[turn].push_back(&route);
    for (const Reference& target : route.targets) turns.try_emplace(target.name(), turn);
  }
  return out;
}

}  // namespace davit::mirror
