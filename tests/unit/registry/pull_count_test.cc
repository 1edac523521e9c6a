// Docker Hub's count of pulls.
#include "registry/pull_count.h"

#include "base/notifier.h"
#include "registry/fields.h"
#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;
using namespace std::chrono_literals;
using registry::parse_counted;

namespace {

const CallContext kContext;
const std::string kType = "application/vnd.oci.image.manifest.v1+json";
const std::string kImage =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})";

std::vector<net::Header> counting(int left, std::vector<net::Header> more = {}) {
  more.push_back({"Content-Type", kType});
  more.push_back({"ratelimit-limit", "100;w=21600"});
  more.push_back({"ratelimit-remaining", std::to_string(left) + ";w=21600"});
  return more;
}

}  // namespace

TEST_CASE("a counted number has a window") {
  const auto counted = parse_counted("76;w=21600");
  REQUIRE(counted);
  CHECK(counted->count == 76);
  CHECK(counted->window == 6h);
  for (const char* other : {"", "76", "76;w=", "76;w=0", "-1;w=21600", "76;w=x", "76; w=60", "76;w=60,",
                            "76;w=99999999999", "99999999999999999999;w=60", "100, 100;w=60"}) {
    INFO(other);
    CHECK_FALSE(parse_counted(other));
  }
}

TEST_CASE("what a registry says about pulls is remembered, from HEAD and from GET") {
  int left = 76;
  Scene scene(
      [&](const Sent& sent) {
        return Scripted{.headers = counting(left, {{"Docker-Content-Digest", Digest::of(kImage).to_string()},
                                                   {"Content-Length", std::to_string(kImage.size())}}),
                        .body = sent.method == "GET" ? kImage : ""};
      },
      {.host = "docker.io"});
  CHECK_FALSE(scene.registry->wire().pull_quota());
  REQUIRE(scene.repository->resolve("v1", kContext));
  const auto quota = scene.registry->wire().pull_quota();
  REQUIRE(quota);
  CHECK(quota->registry == "docker.io");
  CHECK(quota->left == 76);
  CHECK(quota->limit == 100);
  CHECK(quota->window == 6h);
  CHECK(registry::text_of(*quota) == "76 of 100 pulls in 6 hours left");
  left = 75;
  REQUIRE(scene.repository->manifest("v1", kContext));
  CHECK(scene.registry->wire().pull_quota()->left == 75);
}

TEST_CASE("a 429 with no pulls left says so, and is not tried again for hours") {
  Scene scene(
      [](const Sent&) {
        return Scripted{
            .status = 429, .headers = counting(0), .body = errors("TOOMANYREQUESTS", "pull rate limit")};
      },
      {.host = "docker.io"});
  const auto error = scene.repository->manifest("v1", kContext).error();
  CHECK(error.code == Errc::rate_limited);
  CHECK(error.message ==
        "pull manifest v1 from docker.io/app: 429 TOOMANYREQUESTS: pull rate limit; 0 of 100 pulls in 6 "
        "hours left");
  CHECK(error.hint.find("log in to docker.io") != std::string::npos);
  CHECK(scene.transport.sent.size() == 1);
}

TEST_CASE("a 429 says what was heard before, and with pulls left it is tried again as others are") {
  bool first = true;
  Scene scene(
      [&](const Sent&) {
        if (!std::exchange(first, false)) return Scripted{.status = 429};
        return Scripted{.headers = counting(12), .body = kImage};
      },
      {.host = "docker.io"});
  REQUIRE(scene.repository->manifest("v1", kContext));
  const auto error = scene.repository->manifest("v2", kContext).error();
  CHECK(error.message.find("12 of 100 pulls in 6 hours left") != std::string::npos);
  CHECK(scene.transport.sent.size() == 6);
}

TEST_CASE("registries that count other things are left alone") {
  Scene scene([](const Sent&) {
    return Scripted{.status = 429, .headers = {{"RateLimit-Limit", "2000"}, {"RateLimit-Remaining", "0"}}};
  });
  const auto error = scene.repository->manifest("v1", kContext).error();
  CHECK(error.message == "pull manifest v1 from r.example/app: 429");
  CHECK(scene.transport.sent.size() == 5);
}

TEST_CASE("the log says how many pulls are left each time half of them are gone") {
  std::vector<std::string> said;
  {
    Notifier notifier;
    registry::PullCount pulls(
        "docker.io",
        Log(
            LogLevel::info, [&](const LogRecord& record) { said.push_back(record.event); }, notifier));
    for (int left = 100; left >= 0; --left) {
      net::Headers headers;
      for (const auto& each : counting(left)) headers.add(each.name, each.value);
      pulls.note(headers);
      pulls.note(headers);
    }
  }
  CHECK(said.size() == 8);
  CHECK(said.front() == "docker.io: 100 of 100 pulls in 6 hours left");
  CHECK(said.back() == "docker.io: 0 of 100 pulls in 6 hours left");
}
