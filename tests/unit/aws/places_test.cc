#include <atomic>
#include <filesystem>

#include "aws/sts.h"
#include "scene.h"
#include "support/catch.h"

using namespace davit;
using namespace std::chrono;

namespace {

constexpr const char* kContainerAnswer =
    R"({"AccessKeyId":"CONT","SecretAccessKey":"cs","Token":"ct","Expiration":"2026-01-15T13:00:00Z"})";
constexpr const char* kInstanceAnswer =
    R"({"Code":"Success","AccessKeyId":"INST","SecretAccessKey":"is","Token":"it","Expiration":"2026-01-15T13:00:00Z"})";

/// A metadata service that knows one role. `token_status` is how it answers a request for a token.
struct Instance {
  explicit Instance(int status = 200) : token_status(status) {
    scene.variables.erase("AWS_EC2_METADATA_DISABLED");
  }
  Result<net::Response> serve(const net::Request& request) const {
    if (request.method == "PUT") {
      if (token_status == 0) return make_error(Errc::timeout, "no answer");
      return answer(token_status, "imds-token");
    }
    if (token_status == 200 && header(request, "X-aws-ec2-metadata-token") != "imds-token")
      return answer(401);
    if (request.url.path() == "/latest/meta-data/iam/security-credentials/")
      return answer(200, "my-role\nother");
    if (request.url.path() == "/latest/meta-data/iam/security-credentials/my-role")
      return answer(200, document);
    return answer(404);
  }

  int token_status;
  std::string document = kInstanceAnswer;
  Scene scene{[this](const net::Request& request) { return serve(request); }};
};

}  // namespace

TEST_CASE("the container endpoint") {
  Scene scene([](const net::Request&) { return answer(200, kContainerAnswer); });
  const auto request = [&]() -> net::Request {
    scene.made.reset();
    CHECK(scene.outcome() == "CONT/cs/ct from container endpoint");
    return scene.transport.seen().back();
  };
  scene.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  scene.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "plain token";
  CHECK(request().url.text() == "http://169.254.170.23/v1/credentials");
  CHECK(header(request(), "Authorization") == "plain token");
  CHECK(header(request(), "Accept") == "application/json");
  scene.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = scene.home.write("t", "file token\n").string();
  CHECK(header(request(), "Authorization") == "file token");
  scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials?id=1";
  CHECK(request().url.text() == "http://169.254.170.2/v2/credentials?id=1");
}

TEST_CASE("the addresses a container endpoint may have") {
  const struct {
    const char* address;
    bool asked;
  } rows[] = {
      {"http://127.0.0.1:1234/x", true},
      {"http://localhost/x", true},
      {"http://[::1]/x", true},
      {"http://169.254.170.2/x", true},
      {"http://[fd00:ec2::23]/x", true},
      {"https://creds.example.com/x", true},
      {"http://creds.example.com/x", false},
      {"http://169.254.169.254/x", false},
      {"http://192.168.1.1/x", false},
      {"http://169.254.170.2.evil.example.com/x", false},
      {"http://169.254.170.2@evil.example.com/x", false},
      {"ftp://127.0.0.1/x", false},
      {"nonsense", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.address);
    Scene scene([](const net::Request&) { return answer(200, kContainerAnswer); });
    scene.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = row.address;
    CHECK(scene.credentials().has_value() == row.asked);
    CHECK(scene.transport.seen().size() == (row.asked ? 1u : 0u));
  }
}

TEST_CASE("a container endpoint that is named and fails is an error, after three tries") {
  std::atomic<int> count{0};
  Scene scene([&](const net::Request&) -> Result<net::Response> {
    return ++count < 3 ? Result<net::Response>(unreachable()) : answer(200, kContainerAnswer);
  });
  scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  CHECK(scene.outcome() == "CONT/cs/ct from container endpoint");
  CHECK(scene.clock.sleeps() == std::vector<milliseconds>{seconds(1), seconds(1)});

  Scene gone;
  gone.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  CHECK(gone.outcome() == "unavailable: container endpoint 169.254.170.2:80: connect: refused");
  CHECK(gone.transport.seen().size() == 3);

  for (const char* body : {"", "marker", "[]", "{}", R"({"AccessKeyId":"marker"})",
                           R"({"AccessKeyId":"K","SecretAccessKey":"marker","Expiration":"marker"})",
                           R"({"AccessKeyId":"K\n","SecretAccessKey":"marker"})"}) {
    CAPTURE(body);
    Scene odd([body](const net::Request&) { return answer(200, body); });
    odd.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
    const auto found = odd.credentials();
    REQUIRE_FALSE(found);
    CHECK(found.error().message.starts_with("container endpoint"));
    CHECK(found.error().message.find("marker") == std::string::npos);
  }
}

TEST_CASE("an authorization token that would break the header") {
  Scene scene([](const net::Request&) { return answer(200, kContainerAnswer); });
  scene.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  scene.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "marker\r\nX-Evil: 1";
  CHECK(scene.outcome().starts_with("corrupt: container endpoint: "));
  CHECK(scene.outcome().find("marker") == std::string::npos);
  CHECK(scene.transport.seen().empty());
}

TEST_CASE("instance metadata, with a token and in the old way") {
  for (const int status : {200, 403, 404, 405, 0}) {
    CAPTURE(status);
    Instance instance(status);
    CHECK(instance.scene.outcome() == "INST/is/it from instance metadata");
    const auto seen = instance.scene.transport.seen();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].url.text() == "http://169.254.169.254/latest/api/token");
    CHECK(header(seen[0], "X-aws-ec2-metadata-token-ttl-seconds") == "21600");
    CHECK(header(seen[1], "X-aws-ec2-metadata-token") == (status == 200 ? "imds-token" : ""));
  }
}

TEST_CASE("instance metadata that gives nothing is passed over") {
  const struct {
    int token_status;
    const char* said;
  } rows[] = {
      {400, "instance metadata gave no token (status 400)"}, {500, "gave no token"}, {403, ""}, {0, ""}};
  for (const auto& row : rows) {
    CAPTURE(row.token_status);
    Instance instance(row.token_status);
    instance.scene.variables["AWS_EC2_METADATA_V1_DISABLED"] = "true";
    const std::string outcome = instance.scene.outcome();
    CHECK(outcome.starts_with("unauthenticated: no AWS credentials: "));
    CHECK(outcome.find(row.said) != std::string::npos);
    CHECK(instance.scene.transport.seen().size() == 1);
  }
  Instance failing;
  failing.document = R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"words"})";
  CHECK(failing.scene.outcome().find("instance metadata: AssumeRoleUnauthorizedAccess: words") !=
        std::string::npos);
  Instance off;
  off.scene.variables["AWS_EC2_METADATA_DISABLED"] = "True";
  CHECK(off.scene.outcome().find("switched off") != std::string::npos);
  CHECK(off.scene.transport.seen().empty());
}

TEST_CASE("a role name that would change the path is not asked for") {
  Scene scene([](const net::Request& request) {
    return request.method == "PUT" ? answer(200, "token") : answer(200, "../../evil?x=1");
  });
  scene.variables.erase("AWS_EC2_METADATA_DISABLED");
  CHECK(scene.outcome().find("knows no role") != std::string::npos);
  CHECK(scene.transport.seen().size() == 2);
}

TEST_CASE("where instance metadata is, by the settings") {
  Instance instance;
  instance.scene.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6";
  REQUIRE(instance.scene.credentials());
  CHECK(instance.scene.transport.seen()[0].url.text() == "http://[fd00:ec2::254]/latest/api/token");
  instance.scene.made.reset();
  instance.scene.config("[default]\nec2_metadata_service_endpoint = http://127.0.0.1:1338/\n");
  REQUIRE(instance.scene.credentials());
  CHECK(instance.scene.transport.seen()[3].url.text() == "http://127.0.0.1:1338/latest/api/token");
}

TEST_CASE("credentials of an instance that are served past their end are used for some minutes") {
  Instance instance;
  instance.scene.clock.advance(hours(2));
  CHECK(instance.scene.outcome() == "INST/is/it from instance metadata");
  const auto asked = instance.scene.transport.seen().size();
  instance.scene.clock.advance(minutes(5));
  REQUIRE(instance.scene.credentials());
  CHECK(instance.scene.transport.seen().size() == asked);
  instance.scene.clock.advance(minutes(6));
  REQUIRE(instance.scene.credentials());
  CHECK(instance.scene.transport.seen().size() == 2 * asked);
}

TEST_CASE("a program that prints credentials") {
  Scene scene;
  const auto program = scene.home.write(
      "bin/print-creds",
      "#!/bin/sh\necho noise >&2\n"
      "printf '{\"Version\":1,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":\"%s\",\"SessionToken\":\"pt\","
      "\"Expiration\":\"2026-01-15T13:00:00+00:00\",\"AccountId\":\"123456789012\"}' \"$1\"\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  scene.variables["PATH"] = program.parent_path().string() + ":/usr/bin:/bin";
  for (const std::string& name :
       {program.string(), std::string("print-creds"), std::string("~/bin/print-creds")}) {
    CAPTURE(name);
    scene.made.reset();
    scene.config("[default]\ncredential_process = " + name + " \"a b;$HOME\"\n");
    CHECK(scene.outcome() == "PROC/a b;$HOME/pt from profile default (credential_process)");
    CHECK(scene.credentials()->account == "123456789012");
    CHECK(scene.credentials()->expires == Scene::noon() + hours(1));
  }
}

TEST_CASE("a program that fails: its messages are shown, its output never") {
  const struct {
    const char* script;
    const char* message;
  } rows[] = {
      {"echo marker; echo please log in >&2; exit 3", "ended with status 3: please log in"},
      {"echo marker", "not a JSON object"},
      {R"(echo '{"Version":2,"AccessKeyId":"marker","SecretAccessKey":"marker"}')", "not of version 1"},
      {R"(echo '{"AccessKeyId":"marker","SecretAccessKey":"marker"}')", "not of version 1"},
      {R"(echo '{"Version":1,"AccessKeyId":"marker"}')", "without a secret access key"},
      {R"(echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"marker","Expiration":"marker"}')",
       "no date"},
      {R"(echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"marker","Expiration":"2020-01-01T00:00:00Z"}')",
       "have expired"},
      {"i=0; while [ $i -lt 3000 ]; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&2; i=$((i+1)); "
       "done; exit 1",
       "ended with status 1: xxx"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    Scene scene;
    scene.offset->confirm();
    const auto program = scene.home.write("p", "#!/bin/sh\n" + std::string(row.script) + "\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    scene.config("[default]\ncredential_process = " + program.string() + " marker-argument\n");
    const auto found = scene.credentials();
    REQUIRE_FALSE(found);
    CHECK(found.error().message.starts_with("profile default (credential_process): "));
    CHECK(found.error().message.find(row.message) != std::string::npos);
    CHECK(found.error().message.find("marker") == std::string::npos);
    CHECK(found.error().message.size() < 600);
  }
  Scene absent;
  absent.config("[default]\ncredential_process = no-such-program marker\n");
  CHECK(absent.outcome() ==
        "unavailable: profile default (credential_process): no program no-such-program on PATH");
}

TEST_CASE("a profile of `aws login` is not supported, unless it has keys as well") {
  Scene scene;
  scene.config("[default]\nlogin_session = arn:aws:iam::1:user/x\n");
  const auto found = scene.credentials();
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::unsupported);
  CHECK(found.error().message.find("aws login") != std::string::npos);
  CHECK(found.error().hint.find("export-credentials") != std::string::npos);
  scene.credentials_file("[default]\naws_access_key_id = A\naws_secret_access_key = s\n");
  scene.made.reset();
  CHECK(scene.outcome() == "A/s/ from profile default");
}

TEST_CASE("who an identity is") {
  Scene scene([](const net::Request&) {
    return answer(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn>"
        "<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>");
  });
  scene.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  const auto api = aws::make_api(scene.identity(), scene.transport, scene.clock, {});
  const auto caller = aws::get_caller_identity(*api, scene.identity(), {});
  REQUIRE(caller);
  CHECK(caller->account == "123456789012");
  CHECK(caller->arn == "arn:aws:iam::123456789012:user/x");
  CHECK(caller->user_id == "AIDA");
  CHECK(scene.transport.seen()[0].body == "Action=GetCallerIdentity&Version=2011-06-15");
}
