#include "mirror/claims.h"

#include "support/catch.h"

using namespace davit;
using mirror::Claims;
using mirror::Route;

namespace {

Reference place(const std::string& host, const std::string& repository) {
  return {.host = host, .repository = repository, .tag = {}, .digest = {}};
}

/// Two jobs with one target, of which one prunes, and a target of the first's own.
struct Two {
  Two() { pruning.prune.enabled = true; }
  MirrorJob pruning = {}, plain = {};
  const Reference shared = place("t", "shared"), own = place("t", "own");
  Route first{.job = &pruning, .number = 0, .source = place("s", "a"), .targets = {shared, own}};
  Route second{.job = &plain, .number = 1, .source = place("s", "b"), .targets = {shared}};
};

}  // namespace

TEST_CASE("what one job means another one knows of", "[mirror]") {
  Two two;
  Claims claims({two.first, two.second});
  claims.choose(two.second, "v1");
  CHECK(claims.chosen(two.shared, "v1"));
  CHECK_FALSE(claims.chosen(two.own, "v1"));
  CHECK_FALSE(claims.chosen(two.shared, "v2"));
}

TEST_CASE("a source that has not been heard of is named", "[mirror]") {
  Two two;
  Claims claims({two.first, two.second});
  claims.told_all(two.first);
  CHECK(claims.silent(two.shared) == "s/b");
  CHECK_FALSE(claims.silent(two.own));
  claims.told_all(two.second);
  CHECK_FALSE(claims.silent(two.shared));
}

TEST_CASE("two jobs that mean different images by one tag are refused, with both names", "[mirror]") {
  Two two;
  Claims claims({two.first, two.second});
  const Digest one = Digest::of("1"), other = Digest::of("2");
  CHECK(claims.take(two.first, two.shared, "v1", one).value());
  CHECK_FALSE(claims.take(two.second, two.shared, "v1", one).value());  // it is there already
  const auto refused = claims.take(two.second, two.shared, "v1", other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().message.find("s/a") != std::string::npos);
  CHECK(refused.error().message.find("s/b") != std::string::npos);
  CHECK(claims.take(two.first, two.shared, "v1", other).value());  // a second attempt, and the tag has moved
}

TEST_CASE("an immutable tag that nobody asked about is left to whoever asks", "[mirror]") {
  Two two;
  Claims claims({two.first, two.second});
  CHECK(claims.take(two.first, two.shared, "v1", Digest()).value());
  CHECK_FALSE(claims.take(two.second, two.shared, "v1", Digest()).value());
  CHECK(claims.take(two.second, two.shared, "v1", Digest::of("1")).value());
  CHECK_FALSE(claims.take(two.first, two.shared, "v1", Digest::of("1")).value());
}

TEST_CASE("nothing is kept account of where one job copies and deletes nothing", "[mirror]") {
  Two two;
  two.pruning.prune.enabled = false;
  Claims claims({two.first});
  CHECK_FALSE(claims.counts(two.first));
  CHECK(claims.take(two.first, two.shared, "v1", Digest::of("1")).value());
}

TEST_CASE("routes to one target take turns", "[mirror]") {
  Two two;
  const Route third{.job = &two.plain, .number = 2, .source = place("s", "c"), .targets = {place("u", "c")}};
  const std::vector<Route> routes{two.first, third, two.second};
  const auto turns = mirror::in_turn(routes);
  REQUIRE(turns.size() == 2);
  CHECK(turns[0] == std::vector<const Route*>{&routes[0], &routes[2]});
  CHECK(turns[1] == std::vector<const Route*>{&routes[1]});
}
