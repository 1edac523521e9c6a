// Manifests at the rate that a registry takes.
#include "registry/pace.h"

#include "support/catch.h"
#include "support/fake_clock.h"

using namespace davit;
using registry::Pace;
using test::FakeClock;

namespace {

const CallContext kContext;

std::chrono::milliseconds slept(const FakeClock& clock) {
  std::chrono::milliseconds sum{0};
  for (const auto each : clock.sleeps()) sum += each;
  return sum;
}

}  // namespace

TEST_CASE("without a rate nobody waits") {
  FakeClock clock;
  Pace pace(0, 0, clock);
  for (int i = 0; i < 1000; ++i) REQUIRE(pace.wait(kContext));
  CHECK(clock.sleeps().empty());
}

TEST_CASE("a burst goes at once, the rest at the rate") {
  FakeClock clock;
  Pace pace(8, 10, clock);
  for (int i = 0; i < 10; ++i) REQUIRE(pace.wait(kContext));
  CHECK(clock.sleeps().empty());
  for (int i = 0; i < 80; ++i) REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) >= std::chrono::seconds(9));
  CHECK(slept(clock) <= std::chrono::seconds(11));
}

TEST_CASE("a refusal halves the rate once and holds everybody for a second, and successes bring it back") {
  FakeClock clock;
  Pace pace(8, 10, clock);
  pace.throttled();
  pace.throttled();  // the same moment: others of the burst
  REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) >= std::chrono::seconds(1));
  const auto before = slept(clock);
  for (int i = 0; i < 8; ++i) REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) - before >= std::chrono::milliseconds(1900));  // four a second
  for (int i = 0; i < 100; ++i) pace.succeeded();
  clock.advance(std::chrono::seconds(10));
  for (int i = 0; i < 10; ++i) REQUIRE(pace.wait(kContext));
  const auto rested = slept(clock);
  for (int i = 0; i < 16; ++i) REQUIRE(pace.wait(kContext));
  CHECK(slept(clock) - rested <= std::chrono::milliseconds(2100));  // eight a second again
}

TEST_CASE("waiting for one's turn ends when the caller does") {
  FakeClock clock;
  Pace pace(1, 1, clock);
  REQUIRE(pace.wait(kContext));
  std::stop_source stop;
  stop.request_stop();
  const auto waited = pace.wait({.stop = stop.get_token()});
  REQUIRE_FALSE(waited);
  CHECK(waited.error().code == Errc::cancelled);
}
