#include "aws/identity.h"

#include <atomic>
#include <latch>
#include <thread>

#include "aws/api.h"
#include "scene.h"
#include "support/catch.h"

using namespace davit;
using namespace std::chrono;

namespace {

/// Container credentials number 1, 2, ... that last for the given time from when they are asked for.
struct Container {
  explicit Container(minutes each) : lifetime(each) {
    scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  }
  net::Response give() {
    const int number = ++count;
    return answer(200, R"({"AccessKeyId":"KEY)" + std::to_string(number) +
                           R"(","SecretAccessKey":"s","Token":"t","Expiration":")" +
                           aws::format_iso8601(scene.clock.wall() + lifetime) + R"("})");
  }
  std::string id() {
    const auto found = scene.credentials();
    return found ? found->keys.id : std::string(to_string(found.error().code));
  }

  const minutes lifetime;
  std::atomic<int> count{0};
  std::atomic<bool> broken{false};
  Scene scene{[this](const net::Request&) -> Result<net::Response> {
    if (broken) return answer(403);
    return give();
  }};
};

}  // namespace

TEST_CASE("credentials in the environment") {
  Scene scene;
  scene.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "sk";
  SECTION("that last") {
    CHECK(scene.outcome() == "AKID/sk/ from environment");
  }
  SECTION("of a session") {
    scene.variables["AWS_SESSION_TOKEN"] = "st";
    scene.variables["AWS_ACCOUNT_ID"] = "123456789012";
    CHECK(scene.outcome() == "AKID/sk/st from environment");
    CHECK(scene.credentials()->account == "123456789012");
  }
  SECTION("with a token under its old name") {
    scene.variables["AWS_SECURITY_TOKEN"] = "old";
    CHECK(scene.outcome() == "AKID/sk/old from environment");
  }
  SECTION("win over AWS_PROFILE, but not over a profile of the options") {
    scene.config("[profile p]\naws_access_key_id = P\naws_secret_access_key = ps\n");
    scene.variables["AWS_PROFILE"] = "p";
    CHECK(scene.outcome() == "AKID/sk/ from environment");
    scene.made.reset();
    scene.who.profile = "p";
    CHECK(scene.outcome() == "P/ps/ from profile p");
  }
  SECTION("that are half there are an error") {
    scene.variables["AWS_SECRET_ACCESS_KEY"] = "";
    CHECK(scene.outcome() == "unauthenticated: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  }
  SECTION("that would break a header are an error without their text") {
    scene.variables["AWS_SESSION_TOKEN"] = "marker\r\nX-Evil: 1";
    const std::string outcome = scene.outcome();
    CHECK(outcome.starts_with("corrupt: environment: "));
    CHECK(outcome.find("marker") == std::string::npos);
  }
  SECTION("that have ended are an error") {
    scene.variables["AWS_CREDENTIAL_EXPIRATION"] = Scene::in(minutes(5));
    CHECK(scene.outcome() == "AKID/sk/ from environment");
    scene.clock.advance(minutes(6));
    CHECK(scene.outcome() == "AKID/sk/ from environment");  // by a clock that may be wrong: AWS decides
    scene.offset->confirm();
    CHECK(scene.outcome() == "unauthenticated: environment: the AWS credentials have expired");
  }
  CHECK(scene.transport.seen().empty());
}

TEST_CASE("row 71: credentials that have ended only by this machine's wrong clock are used") {
  Scene scene([](const net::Request& request) {
    const bool right = header(request, "X-Amz-Date") == "20260114T230000Z";
    return answer(right ? 200 : 403, right ? "{}" : R"({"__type":"RequestExpired","message":""})",
                  {{"Date", "Wed, 14 Jan 2026 23:00:00 GMT"}});
  });
  scene.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "sk";
  scene.variables["AWS_CREDENTIAL_EXPIRATION"] = Scene::in(minutes(-60));
  const auto api = aws::make_api(scene.identity(), scene.transport, scene.clock, {}, scene.offset);
  const aws::ApiCall call{.operation = "X",
                          .endpoint = *aws::aws_endpoint(aws::Service::ecr, "eu-west-1", {}),
                          .content_type = "application/x-amz-json-1.1",
                          .body = "{}"};
  const auto done = api->send(call, {});
  REQUIRE(done);
  CHECK(done->status == 200);
  CHECK(scene.transport.seen().size() == 2);
  CHECK(scene.outcome() == "AKID/sk/ from environment");
  scene.clock.advance(hours(13));
  CHECK(scene.outcome() == "unauthenticated: environment: the AWS credentials have expired");
}

TEST_CASE("when nothing is found the message names the places") {
  Scene scene;
  CHECK(scene.outcome() ==
        "unauthenticated: no AWS credentials: no AWS_ACCESS_KEY_ID, no profile default in ~/.aws/config or "
        "~/.aws/credentials, no container endpoint, instance metadata is switched off");
  CHECK_FALSE(scene.credentials().error().hint.empty());
  scene.config("[default]\nregion = eu-west-1\n");
  scene.variables.erase("AWS_EC2_METADATA_DISABLED");
  scene.made.reset();
  CHECK(scene.outcome() ==
        "unauthenticated: no AWS credentials: no AWS_ACCESS_KEY_ID, nothing about credentials in profile "
        "default, "
        "no container endpoint, instance metadata did not answer");
}

TEST_CASE("a profile that somebody chose has to exist") {
  Scene scene;
  scene.config("[profile other]\nregion = eu-west-1\n");
  for (const char* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    Scene chosen;
    chosen.variables[variable] = "missing";
    CHECK(chosen.outcome() == "invalid_argument: there is no AWS profile missing");
  }
  scene.who.profile = "missing";
  CHECK(scene.outcome() == "invalid_argument: there is no AWS profile missing");
  Scene flag;
  flag.config("[profile other]\nregion = eu-west-1\n");
  flag.who.profile = "missing";
  flag.who.profile_from = "--dest-profile";
  CHECK(flag.outcome() == "invalid_argument: there is no AWS profile missing, which --dest-profile names");
}

TEST_CASE("keys in the two files") {
  Scene scene;
  scene.config(
      "[default]\naws_access_key_id = C\naws_secret_access_key = cs\n"
      "[profile both]\naws_access_key_id = C2\naws_secret_access_key = cs2\nregion = eu-west-1\n");
  scene.credentials_file(
      "[both]\naws_access_key_id = F\naws_secret_access_key = fs\naws_session_token = ft\n");
  CHECK(scene.outcome() == "C/cs/ from profile default");
  scene.made.reset();
  scene.variables["AWS_PROFILE"] = "both";
  CHECK(scene.outcome() == "F/fs/ft from profile both");
  CHECK(*scene.identity().region({}) == "eu-west-1");
}

TEST_CASE("a file that cannot be read as one is an error that names it and shows nothing of it") {
  Scene scene;
  scene.credentials_file("[default]\naws_secret_access_key marker\n");
  const std::string outcome = scene.outcome();
  CHECK(outcome == "corrupt: AWS credentials file: line 2 is neither a section nor a key with a value");
}

TEST_CASE("lasting credentials are asked for once, until AWS says that they have expired") {
  Scene scene;
  scene.credentials_file("[default]\naws_access_key_id = ONE\naws_secret_access_key = s\n");
  REQUIRE(scene.credentials()->keys.id == "ONE");
  scene.credentials_file("[default]\naws_access_key_id = TWO\naws_secret_access_key = s\n");
  scene.clock.advance(hours(48));
  const auto one = scene.credentials();
  CHECK(one->keys.id == "ONE");
  scene.identity().expired({.id = "OTHER", .secret = {}, .session_token = {}});
  CHECK(scene.credentials()->keys.id == "ONE");
  scene.identity().expired(one->keys);
  CHECK(scene.credentials()->keys.id == "TWO");
  scene.identity().expired(one->keys);  // long gone
  CHECK(scene.credentials()->keys.id == "TWO");
}

TEST_CASE("credentials that end are renewed before") {
  Container container{minutes(60)};
  CHECK(container.id() == "KEY1");
  container.scene.clock.advance(minutes(44));
  CHECK(container.id() == "KEY1");
  container.scene.clock.advance(minutes(2));  // 14 left
  CHECK(container.id() == "KEY2");
  container.scene.clock.advance(minutes(51));  // 9 left
  CHECK(container.id() == "KEY3");
}

TEST_CASE("a renewal that fails while there is time is tried again later, and without time it is an error") {
  Container container{minutes(60)};
  CHECK(container.id() == "KEY1");
  container.broken = true;
  container.scene.clock.advance(minutes(46));
  CHECK(container.id() == "KEY1");
  const auto asked = container.scene.transport.seen().size();
  CHECK(container.id() == "KEY1");
  CHECK(container.scene.transport.seen().size() == asked);  // not at every call
  container.scene.clock.advance(minutes(5));
  CHECK(container.id() == "unauthenticated");
  container.broken = false;
  CHECK(container.id() == "KEY2");
}

TEST_CASE("credentials that never last long are not asked for at every call") {
  Container container{minutes(4)};
  CHECK(container.id() == "KEY1");
  CHECK(container.id() == "KEY1");
  container.scene.clock.advance(minutes(1));
  CHECK(container.id() == "KEY1");
  container.scene.clock.advance(minutes(1));
  CHECK(container.id() == "KEY2");
}

TEST_CASE("row 81: many threads share one question") {
  constexpr int kThreads = 50;
  std::latch all_here(kThreads);
  std::atomic<int> asked{0};
  Scene scene([&](const net::Request&) {
    ++asked;
    all_here.wait();
    return answer(200, R"({"AccessKeyId":"K","SecretAccessKey":"s","Token":"t","Expiration":")" +
                           Scene::in(minutes(60)) + R"("})");
  });
  scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  aws::Identity& identity = scene.identity();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_here.count_down();
      const auto found = identity.credentials({});
      if (found && found->keys.id == "K") ++right;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == kThreads);
  CHECK(asked == 1);
}

TEST_CASE("in the early window one thread renews and the others do not wait") {
  std::atomic<int> asked{0};
  std::atomic<bool> others_done{false};
  Scene scene([&](const net::Request&) {
    if (++asked == 2) others_done.wait(false);
    return answer(200, R"({"AccessKeyId":"K)" + std::to_string(asked) +
                           R"(","SecretAccessKey":"s","Token":"t","Expiration":")" +
                           Scene::in(minutes(60 * asked)) + R"("})");
  });
  scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  REQUIRE(scene.credentials()->keys.id == "K1");
  scene.clock.advance(minutes(46));
  std::string renewed;
  std::thread one([&] { renewed = scene.credentials()->keys.id; });
  while (asked != 2) std::this_thread::yield();
  CHECK(scene.credentials()->keys.id == "K1");  // would hang if it waited
  others_done = true;
  others_done.notify_all();
  one.join();
  CHECK(renewed == "K2");
}

TEST_CASE("the region: option, variables, profile, instance metadata") {
  Scene scene([](const net::Request& request) -> Result<net::Response> {
    if (request.method == "PUT") return answer(200, "token");
    if (request.url.path() == "/latest/meta-data/placement/region") return answer(404);
    return answer(200, "us-west-2b");
  });
  scene.variables["AWS_EC2_METADATA_DISABLED"] = "";
  const auto region = [&] {
    scene.made.reset();
    return *scene.identity().region({});
  };
  CHECK(region() == "us-west-2");
  scene.config("[default]\nregion = eu-north-1\n");
  CHECK(region() == "eu-north-1");
  scene.variables["AWS_DEFAULT_REGION"] = "eu-west-3";
  CHECK(region() == "eu-west-3");
  scene.variables["AWS_REGION"] = "eu-west-2";
  CHECK(region() == "eu-west-2");
  scene.who.region = "eu-west-1";
  CHECK(region() == "eu-west-1");
}

TEST_CASE("a machine without a region is asked once") {
  Scene scene;
  scene.variables["AWS_EC2_METADATA_DISABLED"] = "";
  CHECK(scene.identity().region({})->empty());
  const auto asked = scene.transport.seen().size();
  CHECK(asked == 1);
  CHECK(scene.identity().region({})->empty());
  CHECK(scene.transport.seen().size() == asked);
}

TEST_CASE("endpoints of one's own, strongest first") {
  Scene scene;
  const auto host = [&](aws::Service service = aws::Service::ecr) {
    scene.made.reset();
    const auto endpoint = scene.identity().endpoint(service, "eu-west-1", {});
    return endpoint ? endpoint->url.host() : std::string(to_string(endpoint.error().code));
  };
  CHECK(host() == "api.ecr.eu-west-1.amazonaws.com");
  scene.config(
      "[default]\nservices = own\nendpoint_url = https://five\n"
      "[services own]\necr =\n  endpoint_url = https://four\nsts =\n  endpoint_url = https://four-sts\n");
  CHECK(host() == "four");
  CHECK(host(aws::Service::sts) == "four-sts");
  CHECK(host(aws::Service::ecr_public) == "five");
  scene.variables["AWS_ENDPOINT_URL"] = "https://three";
  CHECK(host() == "three");
  scene.variables["AWS_ENDPOINT_URL_ECR"] = "https://two";
  CHECK(host() == "two");
  CHECK(host(aws::Service::sts) == "three");
  scene.variables["AWS_USE_FIPS_ENDPOINT"] = "TRUE";
  CHECK(host() == "invalid_argument");
  scene.variables["AWS_USE_FIPS_ENDPOINT"] = "false";
  scene.variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  CHECK(host() == "invalid_argument");
  scene.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(host() == "ecr.eu-west-1.api.aws");
  scene.variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  scene.variables.erase("AWS_USE_DUALSTACK_ENDPOINT");
  CHECK(host(aws::Service::sts) == "sts-fips.eu-west-1.amazonaws.com");
}

TEST_CASE("STS before it had regions") {
  Scene scene;
  scene.variables["AWS_STS_REGIONAL_ENDPOINTS"] = "legacy";
  const auto old = scene.identity().endpoint(aws::Service::sts, "eu-west-1", {});
  CHECK(old->url.host() == "sts.amazonaws.com");
  CHECK(old->region == "us-east-1");
  CHECK(scene.identity().endpoint(aws::Service::sts, "eu-south-1", {})->url.host() ==
        "sts.eu-south-1.amazonaws.com");
}
