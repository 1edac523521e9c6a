// Limits of registries: Amazon's, with the rates that it has, by a clock that client and emulator share;
// those that nobody knows; Docker Hub's count of pulls.
#include "registry/limits.h"

#include <davit/davit.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "emulator/ecr/ecr.h"
#include "push_fixture.h"
#include "support/catch.h"
#include "support/fault_server.h"
#include "support/virtual_clock.h"

using namespace davit;
using emulator::Access;
using emulator::Ecr;
using test::blob_of;
using test::FaultServer;
using test::image_of;
using test::RecordedRequest;
using test::Reply;
using test::VirtualClock;

namespace {

const std::string kLayer = "layer";

std::unique_ptr<Ecr> limited_ecr(VirtualClock& clock) {
  emulator::EcrOptions options{.clock = &clock};
  REQUIRE(options.modes.set("throttle", "aws"));
  auto ecr = std::make_unique<Ecr>(options);
  ecr->backend().create({.name = "app"});
  return ecr;
}

/// One process that pushes to an emulated ECR.
struct Machine {
  Machine(Ecr& ecr, Clock& clock) : transport(net::make_transport({})) {
    const registry::RegistryOptions options{
        .host = ecr.authority(), .plain_http = true, .kind = registry::Kind::ecr};
    authorizer =
        auth::make_authorizer({.host = ecr.authority(),
                               .origin = *registry::base_url(options),
                               .credentials = {fixed_credentials(
                                   "", {.username = "AWS", .password = Secret(ecr.registry_password())})},
                               .allowed_realms = {}},
                              *transport, clock);
    registry = registry::Registry::create(options, *transport, authorizer.get(), clock, {}).value();
    repository = registry->repository("app", Side::destination);
  }

  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<auth::Authorizer> authorizer;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<registry::Repository> repository;
};

/// Calls `work(i)` for each number below `count`, on so many threads; how many failed.
template <class Work>
int on_workers(VirtualClock& clock, int workers, int count, const Work& work) {
  std::atomic<int> next{0};
  std::atomic<int> failed{0};
  clock.enter(static_cast<std::size_t>(workers));
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&] {
      for (int at = next++; at < count; at = next++) {
        if (!work(at)) ++failed;
      }
      clock.leave();
    });
  }
  for (std::thread& each : threads) each.join();
  return failed;
}

std::chrono::duration<double> since(std::chrono::milliseconds begun, const VirtualClock& clock) {
  return clock.passed() - begun;
}

}  // namespace

TEST_CASE("500 manifests on 16 workers meet no 429 and take nine tenths of what ECR allows") {
  VirtualClock clock;
  const auto ecr = limited_ecr(clock);
  Machine machine(*ecr, clock);
  REQUIRE(machine.repository->put_blob(blob_of("{}"), {}));
  REQUIRE(machine.repository->put_blob(blob_of(kLayer), {}));
  const Manifest image = image_of("{}", {kLayer});
  const auto begun = clock.passed();
  CHECK(on_workers(clock, 16, 500, [&](int i) {
          const std::vector<std::string> tag{"t" + std::to_string(i)};
          return machine.repository->put_manifest(image, tag, {}).has_value();
        }) == 0);
  CHECK(ecr->controls().throttled() == 0);
  CHECK(ecr->controls().calls("PutImage") == 500);
  const double allowed = (500 - 10) / 10.0;  // its bucket holds a second's worth
  const double took = since(begun, clock).count();
  INFO(took << " s");
  CHECK(allowed / took >= 0.9);
  const auto puts = ecr->log("PUT", "/v2/app/manifests/");
  CHECK(std::ranges::count(puts, 201, &Access::status) == 500);
}

TEST_CASE("300 blobs meet no 429 on any action") {
  VirtualClock clock;
  const auto ecr = limited_ecr(clock);
  Machine machine(*ecr, clock);
  const auto begun = clock.passed();
  CHECK(on_workers(clock, 16, 300, [&](int i) {
          return machine.repository->put_blob(blob_of("layer " + std::to_string(i)), {}).has_value();
        }) == 0);
  CHECK(ecr->controls().throttled() == 0);
  CHECK(ecr->controls().calls("InitiateLayerUpload") == 300);
  CHECK(300 / since(begun, clock).count() >= 90);
}

TEST_CASE("two machines that share the limit find out, and lose little") {
  VirtualClock clock;
  const auto ecr = limited_ecr(clock);
  Machine one(*ecr, clock);
  Machine other(*ecr, clock);
  REQUIRE(one.repository->put_blob(blob_of("{}"), {}));
  REQUIRE(one.repository->put_blob(blob_of(kLayer), {}));
  const Manifest image = image_of("{}", {kLayer});
  const auto begun = clock.passed();
  CHECK(on_workers(clock, 16, 300, [&](int i) {
          const std::vector<std::string> tag{"t" + std::to_string(i)};
          registry::Repository& repository = *(i % 2 == 0 ? one : other).repository;
          return repository.put_manifest(image, tag, {}).has_value();
        }) == 0);
  const double allowed = (300 - 10) / 10.0;
  const double took = since(begun, clock).count();
  INFO(took << " s, " << ecr->controls().throttled() << " refused");
  CHECK(allowed / took >= 0.5);
  CHECK(ecr->controls().throttled("PutImage") <= 60);
}

TEST_CASE("a limit that nobody knew is found") {
  VirtualClock clock;
  emulator::EcrOptions options{.clock = &clock};
  REQUIRE(options.modes.set("throttle", "BatchGetImage:20"));
  Ecr ecr(options);
  ecr.backend().create({.name = "app"});
  Machine machine(ecr, clock);
  REQUIRE(machine.repository->put_blob(blob_of("{}"), {}));
  REQUIRE(machine.repository->put_blob(blob_of(kLayer), {}));
  REQUIRE(machine.repository->put_manifest(image_of("{}", {kLayer}), std::vector<std::string>{"1"}, {}));
  const auto begun = clock.passed();
  CHECK(on_workers(clock, 16, 300, [&](int) { return machine.repository->manifest("1", {}).has_value(); }) ==
        0);
  const double took = since(begun, clock).count();
  INFO(took << " s, " << ecr.controls().throttled() << " refused");
  CHECK((300 - 20) / 20.0 / took >= 0.4);
  CHECK(ecr.controls().throttled() <= 60);
}

TEST_CASE("the API and the registry spend the same rate, and settings say which") {
  Ecr ecr;
  REQUIRE(ecr.controls().set_mode("throttle", "BatchGetImage:4"));
  ecr.backend().create({.name = "app"});
  ClientOptions options;
  options.aws_environment.variables = ecr.environment();
  options.retries = 1;
  RegistryOptions& registry = options.registries[ecr.authority()];
  registry.ecr = EcrRegistry{
      .account = ecr.place().account, .region = ecr.place().region, .api_endpoint = ecr.api_url()};
  registry.limits.read_manifest = 3.8;
  Client client(options);
  for (int i = 0; i < 4; ++i) {
    const auto found = client.digest(ecr.authority() + "/app:1");
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Errc::not_found);
  }
  CHECK(ecr.controls().calls("BatchGetImage") > 4);
  CHECK(ecr.controls().throttled() == 0);
}

TEST_CASE("Docker Hub's count of pulls reaches callers, and a 429 says it") {
  const std::string image = image_of("{}", {kLayer}).bytes();
  FaultServer hub;
  std::atomic<int> left = 12;
  const auto counted = [&](int status, const RecordedRequest& request) {
    Reply reply{.status = status,
                .headers = {{"Content-Type", "application/vnd.oci.image.manifest.v1+json"},
                            {"Docker-Content-Digest", Digest::of(image).to_string()},
                            {"ratelimit-limit", "100;w=21600"},
                            {"ratelimit-remaining", std::to_string(left) + ";w=21600"}},
                .body = image};
    if (request.method == "HEAD") {
      reply.content_length = std::to_string(image.size());
      reply.body.clear();
    }
    return reply;
  };
  hub.on({.path = "/v2/app/manifests/1"},
         [&](const RecordedRequest& request) { return counted(200, request); });
  hub.on({.path = "/v2/app/manifests/2"},
         [&](const RecordedRequest& request) { return counted(429, request); });
  const std::string host = hub.authority();
  Client client((ClientOptions()));
  CHECK(client.pull_quotas().empty());
  REQUIRE(client.digest(host + "/app:1"));
  const auto quotas = client.pull_quotas();
  REQUIRE(quotas.size() == 1);
  CHECK(quotas[0].registry == host);
  CHECK(quotas[0].left == 12);
  CHECK(quotas[0].limit == 100);
  left = 0;
  const auto refused = client.digest(host + "/app:2");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::rate_limited);
  CHECK(refused.error().message.find("0 of 100 pulls in 6 hours left") != std::string::npos);
  CHECK(client.pull_quotas()[0].left == 0);
  CHECK(hub.requests("", "/v2/app/manifests/2").size() == 1);
}
