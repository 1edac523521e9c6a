// How one registry is held to its limits, seen from its requests.
#include "registry/limits.h"

#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;
using namespace std::chrono_literals;
using registry::Action;
using registry::Carries;
using registry::Limits;
using registry::Rates;

namespace {

const CallContext kContext;
constexpr const char* kImage =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})";

std::chrono::milliseconds slept(const FakeClock& clock) {
  std::chrono::milliseconds sum{0};
  for (const auto each : clock.sleeps()) sum += each;
  return sum;
}

Rates rate_of(Action action, double per_second) {
  Rates rates;
  rates[action] = per_second;
  return rates;
}

void take(Limits& limits, Action action, int times, Carries carries = Carries::nothing) {
  for (int i = 0; i < times; ++i) REQUIRE(limits.turn(action, carries, kContext));
}

}  // namespace

TEST_CASE("each action has a rate of its own") {
  FakeClock clock;
  Limits limits(rate_of(Action::put_manifest, 10), {}, clock);
  take(limits, Action::read_manifest, 1000);
  CHECK(slept(clock) == 0ms);
  take(limits, Action::put_manifest, 22);
  CHECK(slept(clock) >= 1'900ms);
  CHECK(slept(clock) <= 2'100ms);
}

TEST_CASE("a rate that the user gives counts instead of what is known, whether it is more or less") {
  for (const double given : {2.0, 40.0}) {
    FakeClock clock;
    RequestLimits chosen;
    chosen.put_manifest = given;
    Limits limits(rate_of(Action::put_manifest, 10), chosen, clock);
    take(limits, Action::put_manifest, 81);
    const double seconds = std::chrono::duration<double>(slept(clock)).count();
    CHECK(81 / seconds >= given);
    CHECK(70 / seconds <= given);
  }
}

TEST_CASE("a rate of all requests holds them together, but for those that go to the store behind") {
  FakeClock clock;
  RequestLimits chosen;
  chosen.requests = 10;
  Limits limits({}, chosen, clock);
  take(limits, Action::read_store, 100);
  CHECK(slept(clock) == 0ms);
  take(limits, Action::read_manifest, 11);
  take(limits, Action::check_blob, 11);
  CHECK(slept(clock) >= 1'900ms);
}

TEST_CASE("a blob's bytes spend a part every ten mebibytes, which those behind it wait for") {
  FakeClock clock;
  const auto limits = std::make_shared<Limits>(rate_of(Action::send_part, 1), RequestLimits{}, clock);
  Scene scene(
      [](const Sent& sent) {
        if (sent.method == "POST")
          return Scripted{.status = 202, .headers = {{"Location", "/v2/app/blobs/uploads/1"}}};
        return Scripted{.status = 201};
      },
      {.host = "r.example", .limits = limits});
  REQUIRE(scene.repository->put_blob(Bytes(blob_bytes(35u << 20)), kContext));
  CHECK(slept(clock) == 0ms);  // four parts: the first was there, nobody had to wait for the others
  REQUIRE(scene.repository->put_blob(Bytes("small"), kContext));
  CHECK(slept(clock) >= 4s);
  CHECK(slept(clock) <= 4'010ms);
}

TEST_CASE("the user's concurrency holds for all actions together, and not for blobs under way") {
  FakeClock clock;
  RequestLimits chosen;
  chosen.concurrency = 2;
  Limits limits({}, chosen, clock);
  const auto one = limits.turn(Action::read_manifest, Carries::nothing, kContext);
  const auto two = limits.turn(Action::check_blob, Carries::nothing, kContext);
  REQUIRE(one);
  REQUIRE(two);
  const CallContext hurried{.deadline = std::chrono::steady_clock::now() - 1s};
  CHECK_FALSE(limits.turn(Action::begin_upload, Carries::nothing, hurried));
  CHECK(limits.turn(Action::finish_upload, Carries::blob, kContext));
}

TEST_CASE("a 429 slows one action down, for a limit that nobody knew") {
  FakeClock clock;
  const auto limits = std::make_shared<Limits>(Rates{}, RequestLimits{}, clock);
  int refusals = 1;
  Scene scene(
      [&](const Sent& sent) {
        if (sent.method == "GET" && refusals-- > 0) return Scripted{.status = 429};
        return Scripted{.headers = {{"Content-Type", "application/vnd.oci.image.manifest.v1+json"}},
                        .body = kImage};
      },
      {.host = "r.example", .limits = limits});
  REQUIRE(limits->window(Action::read_manifest) == registry::Window::kWidest);
  REQUIRE(scene.repository->manifest("v1", kContext));
  CHECK(limits->window(Action::read_manifest) < 4);
  CHECK(limits->window(Action::put_manifest) == registry::Window::kWidest);
  const auto before = slept(clock);
  REQUIRE(limits->turn(Action::read_manifest, Carries::nothing, kContext));
  CHECK(slept(clock) > before);
}

TEST_CASE("a store that says SlowDown is waited for as one that says 429") {
  int refusals = 1;
  Scene scene([&](const Sent&) {
    if (refusals-- > 0)
      return Scripted{.status = 503, .body = "<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>"};
    return Scripted{.body = "blob"};
  });
  REQUIRE(scene.repository->open(*Bytes("blob").descriptor(), 0, kContext));
  CHECK(slept(scene.clock) >= 1s);
}
