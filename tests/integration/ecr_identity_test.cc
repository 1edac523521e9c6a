// The client's credential chain and its clock, against an emulated AWS.
#include <davit/client.h>
#include <davit/emulator.h>

#include "aws/api.h"
#include "aws/identity.h"
#include "aws/sts.h"
#include "crypto/sha1.h"
#include "emulator/ecr/ecr.h"
#include "support/catch.h"
#include "support/curl.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

using namespace davit;
using davit::test::ask;
using emulator::Ecr;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// A machine without keys, whose AWS is the emulator.
struct Machine {
  explicit Machine(const Ecr& ecr) {
    variables = {{"HOME", home.path().string()},
                 {"AWS_ENDPOINT_URL", ecr.api_url()},
                 {"AWS_REGION", ecr.place().region},
                 {"AWS_EC2_METADATA_DISABLED", "true"}};
  }
  /// The caller's ARN as STS sees it with the credentials that the chain has found.
  Result<std::string> arn() {
    identity = aws::make_identity({}, {variables}, *transport, *clock, {}, offset);
    api = aws::make_api(*identity, *transport, *clock, {}, offset);
    auto caller = aws::get_caller_identity(*api, *identity, {});
    if (!caller) return caller.error();
    return caller->arn;
  }

  test::TempDir home;
  std::map<std::string, std::string> variables;
  Clock* clock = &Clock::system();
  std::shared_ptr<aws::ClockOffset> offset = std::make_shared<aws::ClockOffset>();
  std::unique_ptr<net::Transport> transport = net::make_transport({});
  std::unique_ptr<aws::Identity> identity;
  std::unique_ptr<aws::Api> api;
};

/// A profile of SSO with a session that began with `cache`.
struct SsoMachine : Machine {
  SsoMachine(const Ecr& ecr, const std::string& cache) : Machine(ecr) {
    home.write(
        ".aws/config",
        "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Push\n"
        "[sso-session corp]\nsso_start_url = https://corp.example.com/start\nsso_region = us-east-1\n");
    home.write(cache_file(), cache);
  }
  static std::string cache_file() { return ".aws/sso/cache/" + crypto::sha1_hex("corp") + ".json"; }
};

constexpr const char* kSsoArn =
    "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Push_0123456789abcdef/emulator";

}  // namespace

TEST_CASE("the credential chain gets a role's keys from the portal of SSO") {
  Ecr ecr;
  SsoMachine machine(ecr, ecr.sso_cache());
  CHECK(machine.arn().value() == kSsoArn);
  CHECK(ecr.controls().calls("GetRoleCredentials") == 1);
  CHECK(ecr.controls().calls("CreateToken") == 0);
}

TEST_CASE("a session of SSO that is about to end is renewed before the portal is asked") {
  Ecr ecr;
  REQUIRE(ecr.controls().set_mode("sso-life", "60"));
  SsoMachine machine(ecr, ecr.sso_cache());
  const auto before = json::parse(ecr.sso_cache());
  REQUIRE(ecr.controls().set_mode("sso-life", "28800"));
  CHECK(machine.arn().value() == kSsoArn);
  CHECK(ecr.controls().calls("CreateToken") == 1);
  const auto kept = json::parse(std::ifstream(machine.home.path() / machine.cache_file()));
  CHECK(kept["expiresAt"] > before["expiresAt"]);
  CHECK(kept["clientId"] == before["clientId"]);
}

TEST_CASE("a session of SSO that was ended elsewhere says how to log in again") {
  Ecr ecr;
  auto cache = json::parse(ecr.sso_cache());
  cache["accessToken"] = "of-somebody-else";
  SsoMachine machine(ecr, cache.dump());
  const auto refused = machine.arn();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unauthenticated);
  CHECK(refused.error().hint == "aws sso login --profile default");
}

TEST_CASE("the portal and the token service of SSO say no as AWS does") {
  Ecr ecr;
  const auto cache = json::parse(ecr.sso_cache());
  const std::string url = ecr.api_url() + "/federation/credentials?role_name=Push&account_id=";
  const auto with = [](const json& token) {
    return std::vector<std::string>{"-H", "x-amz-sso_bearer_token: " + token.get<std::string>()};
  };
  const auto given = ask("GET", url + "123456789012", "", with(cache["accessToken"]));
  REQUIRE(given.status == "200");
  CHECK(given.json()["roleCredentials"]["expiration"].get<std::int64_t>() > 1'000'000'000'000);
  for (const json& wrong : {cache["refreshToken"], json("AQ=="), json("x")}) {
    const auto refused = ask("GET", url + "123456789012", "", with(wrong));
    CHECK(refused.status == "401");
    CHECK(refused.code() == "UnauthorizedException");
  }
  CHECK(ask("GET", url + "12", "", with(cache["accessToken"])).code() == "ResourceNotFoundException");
  CHECK(ask("GET", ecr.api_url() + "/federation/credentials", "", with(cache["accessToken"])).status ==
        "400");
  ecr.advance(8h);
  CHECK(ask("GET", url + "123456789012", "", with(cache["accessToken"])).status == "401");

  const auto ask_token = [&](const json& body) { return ask("POST", ecr.api_url() + "/token", body.dump()); };
  json request = {{"clientId", cache["clientId"]},
                  {"clientSecret", cache["clientSecret"]},
                  {"grantType", "refresh_token"},
                  {"refreshToken", cache["refreshToken"]}};
  CHECK(ask_token(request).json()["tokenType"] == "Bearer");
  request["refreshToken"] = cache["accessToken"];
  CHECK(ask_token(request).status == "400");
  CHECK(ask_token(request).json()["error"] == "invalid_grant");
  request["clientSecret"] = "x";
  CHECK(ask_token(request).status == "401");
  CHECK(ask_token(request).header("x-amzn-ErrorType") == "InvalidClientException");
  CHECK(ask("GET", ecr.api_url() + "/token").status == "405");
  ecr.controls().deny("GetRoleCredentials");
  CHECK(ask("GET", url + "123456789012").code() == "ForbiddenException");
}

TEST_CASE("a login to SSO from the start ends in a token for the portal") {
  Ecr ecr;
  const auto post = [&](const std::string& path, const json& body) {
    return ask("POST", ecr.api_url() + path, body.dump()).json();
  };
  const auto client = post("/client/register", {{"clientName", "cli"}, {"clientType", "public"}});
  const auto device = post("/device_authorization", {{"clientId", client["clientId"]}});
  json request = {{"clientId", client["clientId"]},
                  {"clientSecret", client["clientSecret"]},
                  {"grantType", "urn:ietf:params:oauth:grant-type:device_code"},
                  {"deviceCode", device["deviceCode"]}};
  const auto token = post("/token", request);
  CHECK(ask("GET", ecr.api_url() + "/federation/credentials?role_name=Push&account_id=123456789012", "",
            {"-H", "x-amz-sso_bearer_token: " + token["accessToken"].get<std::string>()})
            .status == "200");
  request["deviceCode"] = "other";
  CHECK(post("/token", request)["error"] == "invalid_grant");
}

TEST_CASE("a job of GitHub Actions becomes its role") {
  Ecr ecr;
  const auto environment = ecr.environment();
  Machine machine(ecr);
  for (const char* name : {"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"})
    machine.variables[name] = environment.at(name);
  machine.variables["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/deploy";
  machine.variables["AWS_ROLE_SESSION_NAME"] = "job";
  CHECK(machine.arn().value() == "arn:aws:sts::123456789012:assumed-role/deploy/job");
  CHECK(ecr.controls().calls("GetIdToken") == 1);
  CHECK(ecr.controls().calls("AssumeRoleWithWebIdentity") == 1);

  machine.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "of-another-job";
  const auto refused = machine.arn();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unauthenticated);
  CHECK(refused.error().hint.find("id-token: write") != std::string::npos);
}

TEST_CASE("an ID token is good for its audience, unchanged, and for five minutes") {
  Ecr ecr;
  const auto environment = ecr.environment();
  const auto token = [&](const std::string& audience) -> std::string {
    return ask("GET", environment.at("ACTIONS_ID_TOKEN_REQUEST_URL") + "&audience=" + audience, "",
               {"-H", "Authorization: bearer " + environment.at("ACTIONS_ID_TOKEN_REQUEST_TOKEN")})
        .json()["value"];
  };
  const auto assume = [&](const std::string& jwt) {
    return ask("POST", ecr.api_url() + "/",
               "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
               "3A123456789012%"
               "3Arole%2Fci&RoleSessionName=ci&WebIdentityToken=" +
                   jwt)
        .body;
  };
  const std::string good = token("sts.amazonaws.com");
  CHECK(assume(good).find("<SessionToken>") != std::string::npos);
  CHECK(assume(token("api.example.com")).find("Incorrect token audience") != std::string::npos);
  std::string changed = good;
  changed[changed.size() - 5] = changed[changed.size() - 5] == 'A' ? 'B' : 'A';
  CHECK(assume(changed).find("<Code>InvalidIdentityToken</Code>") != std::string::npos);
  ecr.advance(5min);
  CHECK(assume(good).find("<Code>ExpiredTokenException</Code>") != std::string::npos);
}

TEST_CASE(
    "row 71: a client whose clock is ten minutes off is refused once, corrects itself, and stays right") {
  for (const auto off : {-10min, 10min}) {
    CAPTURE(off.count());
    Ecr ecr;
    REQUIRE(ecr.controls().set_mode("clock-skew", "300"));
    Machine machine(ecr);
    test::FakeClock clock;
    clock.set_wall(Clock::system().wall() + off);
    machine.clock = &clock;
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
      machine.variables[name] = ecr.environment().at(name);
    CHECK(machine.arn().value() == ecr.user().arn);
    const auto asked = ecr.log(emulator::Access::Port::api);
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].status == 403);
    CHECK(asked[1].status == 200);
    ecr.clear_log();
    CHECK(machine.arn().value() == ecr.user().arn);
    CHECK(ecr.log(emulator::Access::Port::api).size() == 1);
  }
}

TEST_CASE("every listener says what time it is by the emulator's clock") {
  Ecr ecr;
  ecr.advance(std::chrono::hours(24 * 365 * 2));
  const std::string year =
      " " +
      std::to_string(static_cast<int>(std::chrono::year_month_day(
                                          std::chrono::floor<std::chrono::days>(Clock::system().wall()))
                                          .year()) +
                     2) +
      " ";
  for (const auto& url :
       {ecr.url() + "/v2/", ecr.api_url() + "/", ecr.api_url() + "/latest/api/token",
        ecr.api_url() + "/?Action=GetCallerIdentity", "http://" + ecr.store_authority() + "/x"}) {
    INFO(url);
    const std::string date = ask("GET", url).header("Date");
    CHECK(date.ends_with(" GMT"));
    CHECK(date.find(year) != std::string::npos);
  }
}

TEST_CASE("an examination says how far the registry's clock is away") {
  auto emulator = Emulator::start({.ecr = EmulatedEcr{}}).value();
  CHECK(json::parse(emulator.sso_cache().reveal())["region"] == "us-east-1");
  REQUIRE(emulator.create_repository("app"));
  ClientOptions options;
  options.aws_environment.variables = emulator.environment();
  options.registries[emulator.registry()].ecr =
      EcrRegistry{.account = "123456789012", .region = "us-east-1", .api_endpoint = emulator.api_url()};
  const auto clock = [&] {
    Client client(options);
    const auto findings = client.examine(emulator.registry() + "/app").value();
    for (const auto& finding : findings) {
      if (finding.what == "clock") return finding;
    }
    return Finding{};
  };
  CHECK(clock().state == Finding::State::good);
  emulator.advance(10min);
  const Finding found = clock();
  CHECK(found.state == Finding::State::bad);
  CHECK((found.text.starts_with("600 s") || found.text.starts_with("599 s")));
  CHECK(found.text.find("s apart from the registry's") != std::string::npos);
}
