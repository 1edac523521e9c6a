// One login for many threads, renewed in time and kept while it is good.
#include "aws/ecr_tokens.h"

#include <condition_variable>
#include <latch>
#include <thread>

#include "support/catch.h"
#include "support/fake_clock.h"
#include "unit/aws/ecr_fakes.h"

using namespace davit;
using test::FakeClock;

namespace {

const CallContext kContext;

double seconds_of(FakeClock& clock, std::chrono::seconds ahead) {
  return std::chrono::duration<double>((clock.wall() + ahead).time_since_epoch()).count();
}

/// Numbered passwords: "p1", "p2", ...
struct Service {
  explicit Service(FakeClock& at) : clock(at) {}
  FakeClock& clock;
  std::chrono::seconds life{12 * 3600};
  std::atomic<int> given = 0;
  std::atomic<bool> down = false;
  FakeIdentity identity;
  FakeApi api{[this](const aws::ApiCall&) -> Result<net::Response> {
    if (down) {
      Error error = make_error(Errc::unavailable, "connect: refused");
      error.retryable = true;
      return error;
    }
    return grants("p" + std::to_string(++given), seconds_of(clock, life));
  }};
  aws::EcrTokens tokens{api, identity, clock, {}};

  std::string token(const aws::EcrSite& where = site()) {
    const auto got = tokens.get(where, kContext);
    return got ? crypto::base64_decode(got->text.reveal()).value_or("?").substr(4) : "error";
  }
};

}  // namespace

TEST_CASE("row 81: two hundred threads share one GetAuthorizationToken") {
  FakeClock clock;
  std::latch all(200);
  std::atomic<int> calls = 0;
  FakeIdentity identity;
  FakeApi api([&](const aws::ApiCall&) -> Result<net::Response> {
    ++calls;
    all.wait();  // nobody has an answer before everybody has asked
    return grants("p", seconds_of(clock, std::chrono::hours(12)));
  });
  aws::EcrTokens tokens(api, identity, clock, {});
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 200; ++i) {
    threads.emplace_back([&] {
      all.count_down();
      if (const auto token = tokens.get(site(), kContext)) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 200);
  CHECK(calls == 1);
}

TEST_CASE("row 55: a login is renewed at half of its life") {
  FakeClock clock;
  Service service(clock);
  CHECK(service.token() == "p1");
  clock.advance(std::chrono::hours(6) - std::chrono::seconds(1));
  CHECK(service.token() == "p1");
  clock.advance(std::chrono::seconds(2));
  CHECK(service.token() == "p2");
  CHECK(service.token() == "p2");
  CHECK(service.given == 2);
}

TEST_CASE("row 55: while the API is down a good login is kept to its end") {
  FakeClock clock;
  Service service(clock);
  CHECK(service.token() == "p1");
  service.down = true;
  clock.advance(std::chrono::hours(7));
  CHECK(service.token() == "p1");
  CHECK(service.api.calls().size() == 2);
  CHECK(service.token() == "p1");
  CHECK(service.api.calls().size() == 2);  // it is not asked for each request
  clock.advance(std::chrono::hours(4));
  CHECK(service.token() == "p1");
  clock.advance(std::chrono::hours(2));
  CHECK(service.token() == "error");
  service.down = false;
  CHECK(service.token() == "p2");
}

TEST_CASE("a refused login is replaced once, however many say so") {
  FakeClock clock;
  Service service(clock);
  const auto first = service.tokens.get(site(), kContext);
  REQUIRE(first);
  CHECK_FALSE(first->after_refusal);
  service.tokens.refused(site(), first->text, aws::EcrTokens::Refused::expired);
  const auto second = service.tokens.get(site(), kContext);
  REQUIRE(second);
  CHECK(second->after_refusal);
  service.tokens.refused(site(), first->text,
                         aws::EcrTokens::Refused::expired);  // a latecomer: that one has gone already
  CHECK(service.token() == "p2");
  CHECK(service.given == 2);
}

TEST_CASE("accounts and regions have logins of their own, so none goes to another region") {
  FakeClock clock;
  Service service(clock);
  CHECK(service.token(site("eu-west-1")) == "p1");
  CHECK(service.token(site("us-east-1")) == "p2");
  CHECK(service.token(site("eu-west-1", "222222222222")) == "p3");
  CHECK(service.token(public_site()) == "p4");
  CHECK(service.token(site("eu-west-1")) == "p1");
  const auto calls = service.api.calls();
  CHECK(calls[1].endpoint.region == "us-east-1");
  CHECK(calls[3].endpoint.service == "ecr-public");
}

TEST_CASE("an end that only a wrong clock explains does not make a login useless") {
  FakeClock clock;
  Service service(clock);
  service.life = std::chrono::seconds(-3600);
  CHECK(service.token() == "p1");
  CHECK(service.token() == "p1");
  CHECK(service.given == 1);
  service.clock.advance(std::chrono::minutes(4));
  CHECK(service.token() == "p1");
  service.clock.advance(std::chrono::minutes(2));
  CHECK(service.token() == "p2");
}
