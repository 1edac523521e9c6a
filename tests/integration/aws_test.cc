// The AWS credential chain over real connections: what a fake transport cannot show.
#include <chrono>

#include "aws/identity.h"
#include "aws/sts.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fault_server.h"
#include "support/secret_marker.h"
#include "support/temp_dir.h"

using namespace davit;
using test::FaultServer;
using test::RecordedRequest;
using test::Reply;

namespace {

struct Machine {
  explicit Machine(net::NetOptions options = {}) : transport(net::make_transport(std::move(options))) {
    variables["HOME"] = home.path().string();
    variables["AWS_EC2_METADATA_DISABLED"] = "true";
  }
  aws::Identity& identity() {
    if (!made) made = aws::make_identity(who, {variables}, *transport, *clock, {});
    return *made;
  }

  test::TempDir home;
  test::FakeClock still;  // waiting between tries takes no time
  Clock* clock = &still;
  AwsIdentity who;
  std::map<std::string, std::string> variables;
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<aws::Identity> made;
};

constexpr const char* kRole =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2199-01-15T13:00:00Z</Expiration></"
    "Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>";

}  // namespace

TEST_CASE("instance metadata that takes connections and never answers costs its time-out, not more") {
  FaultServer silent;
  silent.on({}, test::never_answer());
  Machine machine;
  machine.clock = &Clock::system();
  machine.variables["AWS_EC2_METADATA_DISABLED"] = "";
  machine.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://" + silent.authority();
  // Were the time-out not kept, this would be cut off by the deadline with another code.
  const CallContext patient{.stop = {},
                            .deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20)};
  const auto found = machine.identity().credentials(patient);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::unauthenticated);
  CHECK(found.error().message.find("instance metadata did not answer") != std::string::npos);
  const auto seen = silent.requests();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].method == "PUT");
  CHECK(seen[1].method == "GET");
  CHECK_FALSE(seen[1].has("X-aws-ec2-metadata-token"));
}

TEST_CASE("a call is cancelled while instance metadata keeps it waiting") {
  FaultServer silent;
  silent.on({}, test::never_answer());
  Machine machine;
  machine.clock = &Clock::system();
  machine.variables["AWS_EC2_METADATA_DISABLED"] = "";
  machine.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://" + silent.authority();
  machine.variables["AWS_METADATA_SERVICE_TIMEOUT"] = "60";
  std::stop_source stop;
  std::thread canceller([&] {
    silent.wait_until([&] { return !silent.requests().empty(); });
    stop.request_stop();
  });
  const auto found = machine.identity().credentials({.stop = stop.get_token(), .deadline = {}});
  canceller.join();
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::cancelled);
}

TEST_CASE("metadata and container endpoints are reached without the proxy, STS with it") {
  FaultServer proxy;
  FaultServer local;
  local.on(
      {.path = "/creds"},
      Reply{
          .body =
              R"({"AccessKeyId":"CONT","SecretAccessKey":"s","Token":"t","Expiration":"2199-01-01T00:00:00Z"})"});
  proxy.on({}, Reply{.body = kRole});
  Machine machine({.proxy = {.http = "http://" + proxy.authority(), .https = {}, .all = {}, .none = {}}});
  machine.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + local.authority() + "/creds";
  machine.variables["AWS_ENDPOINT_URL_STS"] = "http://sts.example.com";
  machine.who.role_arn = "arn:aws:iam::123456789012:role/r";
  machine.who.region = "eu-west-1";
  const auto found = machine.identity().credentials({});
  REQUIRE(found);
  CHECK(found->keys.id == "ROLE");
  CHECK(local.requests().size() == 1);
  REQUIRE(proxy.requests().size() == 1);
  CHECK(proxy.requests()[0].target == "http://sts.example.com/");
}

TEST_CASE("what is signed is what arrives") {
  FaultServer sts;
  sts.on({}, Reply{.body = kRole});
  Machine machine;
  machine.variables["AWS_ACCESS_KEY_ID"] = "AKID";
  machine.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  machine.variables["AWS_ENDPOINT_URL"] = "http://" + sts.authority();
  machine.who.role_arn = "arn:aws:iam::123456789012:role/r";
  machine.who.region = "eu-west-1";
  REQUIRE(machine.identity().credentials({}));
  const auto seen = sts.requests();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].header("Host") == sts.authority());
  CHECK(seen[0].header("Content-Type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK(seen[0].header("Authorization").find("SignedHeaders=content-type;host;x-amz-date,") !=
        std::string::npos);
  CHECK(seen[0].body.starts_with("Action=AssumeRole&"));
}

TEST_CASE("row 20: no secret in an error, whatever a server sends back") {
  const test::SecretMarker secret("secret");
  const test::SecretMarker token("token");
  for (const int status : {400, 403, 500, 302}) {
    for (const char* form :
         {"<Error><Code>X</Code><Message>@</Message></Error>", R"({"__type":"X","message":"@"})", "@"}) {
      CAPTURE(status, form);
      FaultServer sts;
      sts.on({}, [&](const RecordedRequest&) {
        std::string body = form;
        body.replace(body.find('@'), 1, secret.text() + " " + token.text());
        return Reply{.status = status, .body = body};
      });
      Machine machine;
      machine.variables["AWS_ACCESS_KEY_ID"] = "AKID";
      machine.variables["AWS_SECRET_ACCESS_KEY"] = secret.text();
      machine.variables["AWS_SESSION_TOKEN"] = token.text();
      machine.variables["AWS_ENDPOINT_URL"] = "http://" + sts.authority();
      machine.who.role_arn = "arn:aws:iam::123456789012:role/r";
      machine.who.region = "eu-west-1";
      const auto found = machine.identity().credentials({});
      REQUIRE_FALSE(found);
      const std::string text = found.error().message + found.error().hint;
      CHECK(secret.leaks_in(text).empty());
      CHECK(token.leaks_in(text).empty());
    }
  }
}
