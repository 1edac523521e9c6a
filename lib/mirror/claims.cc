#include "mirror/claims.h"

#include <algorithm>

#include "base/error.h"

namespace davit::mirror {

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

void Claims::choose(const Route& route, const std::string& tag) {
  MutexLock lock(mutex_);
  for (const Reference& target : route.targets) {
    const auto place = places_.find(target.name());
    if (place != places_.end()) place->second.tags.insert(tag);
  }
}

void Claims::keep(const Reference& at, const Digest& image) {
  MutexLock lock(mutex_);
  const auto place = places_.find(at.name());
  if (place != places_.end()) place->second.images.insert(image);
}

void Claims::name(const Route& route, const Digest& image) {
  MutexLock lock(mutex_);
  for (const Reference& target : route.targets) {
    const auto place = places_.find(target.name());
    if (place != places_.end()) place->second.named.insert(image);
  }
}

bool Claims::counts(const Route& route) const {
  MutexLock lock(mutex_);
  for (const Reference& target : route.targets) {
    if (places_.contains(target.name())) return true;
  }
  return false;
}

void Claims::told_all(const Route& route) {
  MutexLock lock(mutex_);
  for (const Reference& target : route.targets) {
    const auto place = places_.find(target.name());
    if (place != places_.end()) place->second.silent.erase(who(route));
  }
}

Result<bool> Claims::take(const Route& route, const Reference& at, const std::string& tag,
                          const Digest& image) {
  MutexLock lock(mutex_);
  const auto place = places_.find(at.name());
  if (place == places_.end() || !place->second.shared) return true;
  const auto [one, first] = place->second.taken.try_emplace(tag, Taken{who(route), image});
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
  const auto place = places_.find(at.name());
  return place != places_.end() && place->second.tags.contains(tag);
}

std::set<Digest> Claims::kept(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto place = places_.find(at.name());
  return place == places_.end() ? std::set<Digest>() : place->second.images;
}

std::set<Digest> Claims::named(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto place = places_.find(at.name());
  return place == places_.end() ? std::set<Digest>() : place->second.named;
}

std::optional<std::string> Claims::silent(const Reference& at) const {
  MutexLock lock(mutex_);
  const auto place = places_.find(at.name());
  if (place == places_.end() || place->second.silent.empty()) return std::nullopt;
  return place->second.silent.begin()->second;
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
