#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "mirror/route.h"

namespace davit::mirror {

/// What the routes of a run want at their targets, whether they bring it or not: what one of them wants no
/// other one deletes or replaces. Only targets where that can happen are kept account of. Thread-safe.
class Claims {
 public:
  explicit Claims(const std::vector<Route>& routes);

  /// The route means this tag.
  void choose(const Route& route, const std::string& tag);
  /// And this image, without a tag, with all that is below it.
  void name(const Route& route, const Digest& image);
  /// A route brings this image.
  void keep(const Reference& place, const Digest& image);
  /// Whether anybody asks.
  [[nodiscard]] bool counts(const Route& route) const;
  /// All that the route means has been told.
  void told_all(const Route& route);

  /// The route is about to have this image under the tag. False: another route has seen to that. Errors:
  /// conflict, where another one wants another image there.
  Result<bool> take(const Route& route, const Reference& place, const std::string& tag, const Digest& image);

  /// Whether a route means the tag.
  [[nodiscard]] bool chosen(const Reference& place, const std::string& tag) const;
  [[nodiscard]] std::set<Digest> named(const Reference& place) const;
  [[nodiscard]] std::set<Digest> kept(const Reference& place) const;
  /// A source of which it is not known what it has for this target.
  [[nodiscard]] std::optional<std::string> silent(const Reference& place) const;

 private:
  using Who = std::pair<std::size_t, std::string>;  ///< job and source
  struct Taken {
    Who who;
    Digest image;
  };
  struct Place {
    std::set<Who> silent;
    bool shared = false;  ///< by several routes
    std::set<std::string> tags = {};
    std::set<Digest> named = {}, images = {};
    std::map<std::string, Taken> taken = {};
  };
  /// Those that account is kept of.
  std::vector<Place*> places_of(const Route& route) DAVIT_REQUIRES(mutex_);
  static Who who(const Route& route) { return {route.number, route.source.to_string()}; }

  mutable Mutex mutex_;
  std::map<std::string, Place> places_ DAVIT_GUARDED_BY(mutex_);
};

/// Routes that share a target follow each other, in their order: then it is the same one each time that comes
/// first.
std::vector<std::vector<const Route*>> in_turn(const std::vector<Route>& routes);

}  // namespace davit::mirror
