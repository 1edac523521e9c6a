// Requests at the rate that a registry takes.
#include "registry/pace.h"

#include <algorithm>

#include "support/catch.h"
#include "support/fake_clock.h"

using namespace davit;
using namespace std::chrono_literals;
using registry::Pace;
using test::FakeClock;

namespace {

const CallContext kContext;

std::chrono::milliseconds slept(const FakeClock& clock) {
  std::chrono::milliseconds sum{0};
  for (const auto each : clock.sleeps()) sum += each;
  return sum;
}

/// How long so many take, one after the other, when each succeeds.
std::chrono::milliseconds time_for(int count, Pace& pace, FakeClock& clock) {
  const auto before = slept(clock);
  for (int i = 0; i < count; ++i) {
    REQUIRE(pace.wait(kContext));
    pace.succeeded();
  }
  return slept(clock) - before;
}

/// A server's bucket.
struct Bucket {
  Bucket(double per_second, double burst, FakeClock& of)
      : rate(per_second), most(burst), tokens(burst), clock(of), filled(of.steady()) {}
  bool take() {
    const auto now = clock.steady();
    tokens = std::min(most, tokens + rate * std::chrono::duration<double>(now - filled).count());
    filled = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
  double rate, most, tokens;
  FakeClock& clock;
  Clock::Steady filled;
};

}  // namespace

TEST_CASE("without a rate nobody waits") {
  FakeClock clock;
  Pace pace(0, clock);
  CHECK(time_for(1000, pace, clock) == 0ms);
}

TEST_CASE("a quarter of a second's worth goes at once, the rest at the rate") {
  FakeClock clock;
  Pace pace(8, clock);
  CHECK(time_for(2, pace, clock) == 0ms);
  const auto time = time_for(80, pace, clock);
  CHECK(time >= 9'900ms);
  CHECK(time <= 10'100ms);
  clock.advance(10s);  // a rest fills the bucket, and no more than that
  CHECK(time_for(2, pace, clock) == 0ms);
  CHECK(time_for(8, pace, clock) >= 900ms);
}

TEST_CASE("a bucket of half a second's worth at the other end never runs dry, and is used to nine tenths") {
  for (const double quota : {10.0, 100.0}) {
    FakeClock clock;
    Pace pace(quota * 0.95, clock);
    Bucket bucket(quota, quota / 2, clock);
    const auto begun = clock.steady();
    int refused = 0;
    for (int i = 0; i < 500; ++i) {
      REQUIRE(pace.wait(kContext));
      refused += bucket.take() ? 0 : 1;
    }
    CHECK(refused == 0);
    const double seconds = std::chrono::duration<double>(clock.steady() - begun).count();
    CHECK(500 / seconds >= 0.9 * quota);
  }
}

TEST_CASE("a refusal halves what was sent and holds everybody for a second") {
  FakeClock clock;
  Pace pace(8, clock);
  time_for(40, pace, clock);
  const auto sent = clock.steady();
  pace.refused(sent, 0s);
  pace.refused(sent, 0s);  // one more of the same burst
  const auto first = slept(clock);
  REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) - first >= 1s);
  CHECK(slept(clock) - first <= 1'010ms);
  const auto before = slept(clock);
  for (int i = 0; i < 8; ++i) REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) - before >= 1'900ms);  // four a second
  CHECK(slept(clock) - before <= 2'300ms);
}

TEST_CASE("what the server asks for is waited for by everybody") {
  FakeClock clock;
  Pace pace(0, clock);
  REQUIRE(pace.wait(kContext));
  pace.refused(clock.steady(), 30s);
  REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) >= 30s);
}

TEST_CASE("time without refusals brings the known rate back within ten seconds, and never more than it") {
  FakeClock clock;
  Pace pace(10, clock);
  time_for(30, pace, clock);
  pace.refused(clock.steady(), 0s);
  CHECK(time_for(80, pace, clock) <= 12s);
  const auto time = time_for(100, pace, clock);
  CHECK(time >= 9'900ms);
  CHECK(time <= 10'100ms);
}

TEST_CASE("a limit that nobody knows is found by its refusals, and forgotten when it is gone") {
  FakeClock clock;
  Pace pace(0, clock);
  Bucket bucket(20, 20, clock);
  int done = 0;
  int refused = 0;
  const auto begun = clock.steady();
  while (done < 2'000) {
    REQUIRE(pace.wait(kContext));
    const auto sent = clock.steady();
    clock.advance(1ms);  // a server at hand
    if (bucket.take()) {
      ++done;
      pace.succeeded();
    } else {
      ++refused;
      pace.refused(sent, 0s);
    }
  }
  const double seconds = std::chrono::duration<double>(clock.steady() - begun).count();
  CHECK(done / seconds >= 10);
  CHECK(refused <= done / 20);
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(pace.wait(kContext));
    clock.advance(1ms);
    pace.succeeded();
  }
  CHECK(time_for(1'000, pace, clock) == 0ms);
}

TEST_CASE("two who share a limit get most of it, with few refusals") {
  // Each has a clock of its own, which its waiting moves; whoever's is behind goes next.
  FakeClock server;
  FakeClock clocks[2];
  const auto start = std::max({server.steady(), clocks[0].steady(), clocks[1].steady()});
  const auto move_to = [](FakeClock& clock, Clock::Steady time) {
    if (time > clock.steady())
      clock.advance(std::chrono::ceil<std::chrono::milliseconds>(time - clock.steady()));
  };
  move_to(server, start);
  for (FakeClock& each : clocks) move_to(each, start);
  Bucket bucket(10, 10, server);
  Pace paces[2] = {{9.5, clocks[0]}, {9.5, clocks[1]}};
  for (Pace& each : paces) REQUIRE(each.wait(kContext));
  int done[2] = {};
  int refused = 0;
  while (done[0] + done[1] < 600) {
    const int who = clocks[0].steady() <= clocks[1].steady() ? 0 : 1;
    const auto now = clocks[who].steady();
    move_to(server, now);
    if (bucket.take()) {
      ++done[who];
      paces[who].succeeded();
    } else {
      ++refused;
      paces[who].refused(now, 0s);
    }
    REQUIRE(paces[who].wait(kContext));
  }
  const double seconds = std::chrono::duration<double>(server.steady() - start).count();
  CHECK(600 / seconds >= 6.5);
  CHECK(refused <= 40);
  CHECK(std::min(done[0], done[1]) >= 200);
}

TEST_CASE("what cannot wait lets the next ones wait") {
  FakeClock clock;
  Pace pace(10, clock);
  for (int i = 0; i < 22; ++i) pace.spend();
  REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) >= 2s);
}

TEST_CASE("waiting for one's turn ends when the caller does") {
  FakeClock clock;
  Pace pace(1, clock);
  REQUIRE(pace.wait(kContext));
  std::stop_source stop;
  stop.request_stop();
  const auto waited = pace.wait({.stop = stop.get_token()});
  REQUIRE_FALSE(waited);
  CHECK(waited.error().code == Errc::cancelled);
}
