#include "config/configuration.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit;
using config::parse_configuration;

namespace {

std::string refusal(const std::string& text) {
  const auto read = parse_configuration(text, "config.yaml");
  if (read) return {};
  CHECK(read.error().code == Errc::invalid_argument);
  return read.error().message;
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a registry's settings are read") {
  const auto read = parse_configuration(R"(
registries:
  123456789012.dkr.ecr.eu-west-1.amazonaws.com: {profile: build, region: eu-west-1}
  Registry.example.com:5000:
    role_arn: arn:aws:iam::210987654321:role/mirror
    creds_env: CREDS
    plain_http: true
    tls_verify: false
    allow_realms: [auth.example.com, "127.0.0.1:5001"]
  secure.example.com:
    helper: pass
    ca_file: /etc/ca.pem
    cert_file: me.cert
    key_file: me.key
  localhost:4566:
    ecr: {account: "123456789012", region: eu-west-1, api_endpoint: "http://localhost:4567"}
)",
                                        "config.yaml")
                        .value();
  const auto& ecr = read.registries.at("123456789012.dkr.ecr.eu-west-1.amazonaws.com");
  CHECK(ecr.options.aws.profile == "build");
  CHECK(ecr.options.aws.region == "eu-west-1");
  CHECK_FALSE(ecr.options.plain_http);
  const auto& plain = read.registries.at("registry.example.com:5000");
  CHECK(plain.options.aws.role_arn == "arn:aws:iam::210987654321:role/mirror");
  CHECK(plain.credentials_variable == "CREDS");
  CHECK(plain.options.plain_http == true);
  CHECK_FALSE(plain.options.verify_tls);
  CHECK(plain.options.allow_realms == std::vector<std::string>{"auth.example.com", "127.0.0.1:5001"});
  const auto& secure = read.registries.at("secure.example.com");
  CHECK(secure.helper == "pass");
  CHECK(secure.options.ca_file == "/etc/ca.pem");
  CHECK(secure.options.plain_http == false);
  CHECK(secure.options.key_file == "me.key");
  CHECK(secure.options.aws.profile.empty());
  const auto& emulated = read.registries.at("localhost:4566").options.ecr;
  REQUIRE(emulated);
  CHECK(emulated->account == "123456789012");
  CHECK(emulated->api_endpoint == "http://localhost:4567");
}

TEST_CASE("an empty file says nothing") {
  for (const char* text : {"", "\n", "# nothing\n", "registries:\n", "{}", "---\n"}) {
    INFO(text);
    CHECK(parse_configuration(text, "config.yaml").value().registries.empty());
  }
}

TEST_CASE("what is wrong is named with its line and column") {
  CHECK(holds(refusal("registries:\n  r.example: {profil: x}\n"),
              "config.yaml:2:15: registries.r.example does not"));
  CHECK(holds(refusal("registries:\n  r.example: {profil: x}\n"), "profile"));
  CHECK(holds(refusal("registry: {}\n"), "does not know \"registry\"; it knows registries"));
  CHECK(holds(refusal("registries:\n  r.example: {profile: a, profile: b}\n"), "twice"));
  CHECK(holds(refusal("registries:\n  r.example: {}\n  R.example: {}\n"), "config.yaml:3"));
  CHECK(holds(refusal("registries: {alpine: {}}"), "no host"));
  CHECK(holds(refusal("registries: {\"a.b/c\": {}}"), "no host"));
  CHECK(holds(refusal("registries: [a.b]"), "mapping"));
  CHECK(holds(refusal("registries: {a.b: {plain_http: yes}}"), "true or false"));
  CHECK(holds(refusal("registries: {a.b: {allow_realms: c.d}}"), "list"));
  CHECK(holds(refusal("registries: {a.b: {profile: [x]}}"), "text"));
  CHECK(holds(refusal("registries: {a.b: {profile: \"x\\ny\"}}"), "control"));
  CHECK(holds(refusal("registries: {a.b: {cert_file: x}}"), "only one"));
  CHECK(holds(refusal("registries: {a.b: {helper: x, creds_env: y}}"), "both"));
  CHECK(holds(refusal("registries: {a.b: {ecr: {region: eu-west-1}}}"), "12 digits"));
  CHECK(holds(refusal("registries: {a.b: {ecr: {account: \"123456789012\"}}}"), "region is missing"));
  CHECK(holds(refusal("a: [\nb: c"), "not YAML"));
  CHECK(holds(refusal("--- a\n--- b\n"), "more than one"));
}

TEST_CASE("a hostile document is an error, quickly") {
  CHECK_FALSE(refusal(std::string(100'000, '[')).empty());
  CHECK_FALSE(refusal("a: &a [*a, *a]\nregistries: *a\n").empty());
  CHECK_FALSE(refusal(std::string("registries: \0", 13)).empty());
  CHECK_FALSE(refusal(std::string((1 << 20) + 1, ' ')).empty());
  CHECK_FALSE(refusal(",:`: *\327egistr}\n").empty());
}

TEST_CASE("a file that is not there is none, one that cannot be read is an error") {
  const test::TempDir dir;
  CHECK_FALSE(config::read_configuration_file((dir.path() / "absent").string()).value());
  CHECK(config::read_configuration_file(dir.path().string()).error().code == Errc::local_io);
  CHECK(config::read_configuration_file(dir.write("c.yaml", "x: y").string()).value() == "x: y");
}

TEST_CASE("limits are rates and a number") {
  const auto read = parse_configuration(R"(
registries:
  r.example:
    limits: {requests: 200/s, put_manifest: 0.5/s, read_manifest: 300/m, begin_upload: 7200/h, concurrency: 8}
)",
                                        "config.yaml")
                        .value();
  const RequestLimits& limits = read.registries.at("r.example").options.limits;
  CHECK(limits.requests == 200);
  CHECK(limits.put_manifest == 0.5);
  CHECK(limits.read_manifest == 5);
  CHECK(limits.begin_upload == 2);
  CHECK(limits.read_blob == 0);
  CHECK(limits.concurrency == 8);
}

TEST_CASE("limits that are none are refused with the line") {
  for (const char* rate :
       {"8", "0/s", "-1/s", "8/d", "8 /s", "/s", "nan/s", "inf/s", "1e9/s", "x", "[8/s]", "8/s/s"}) {
    INFO(rate);
    const std::string error =
        refusal("registries:\n  r.example:\n    limits:\n      requests: " + std::string(rate));
    CHECK(holds(error, "config.yaml:4:17: registries.r.example.limits.requests wants a rate such as 8/s"));
  }
  for (const char* number : {"0", "-1", "1.5", "8/s", "99999", "many"}) {
    INFO(number);
    const std::string error =
        refusal("registries:\n  r.example:\n    limits: {concurrency: " + std::string(number) + "}");
    CHECK(holds(error,
                "config.yaml:3:27: registries.r.example.limits.concurrency wants a number from 1 to 10000"));
  }
  CHECK(holds(refusal("registries:\n  r.example:\n    limits: {pulls: 8/s}"), "does not know \"pulls\""));
}
