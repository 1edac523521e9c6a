#include <atomic>

#include "scene.h"
#include "support/catch.h"

using namespace davit;
using namespace std::chrono;

namespace {

/// STS, and whatever a test puts beside it.
FakeTransport::Handler sts(std::string end = Scene::in(minutes(60))) {
  return [end = std::move(end)](const net::Request& request) -> Result<net::Response> {
    if (request.body.find("Action=AssumeRoleWithWebIdentity&") == 0)
      return sts_answer(end, "AssumeRoleWithWebIdentity", "WEB");
    if (request.body.find("Action=AssumeRole&") == 0) return sts_answer(end);
    return unreachable();
  };
}

std::string signer_of(const net::Request& request) {
  const std::string value = header(request, "Authorization");
  const std::size_t begin = value.find("Credential=");
  if (begin == std::string::npos) return "nobody";
  return value.substr(begin + 11, value.find('/', begin) - begin - 11);
}

}  // namespace

TEST_CASE("a role profile with a source profile") {
  Scene scene(sts());
  scene.config(
      "[profile ci]\nrole_arn = arn:aws:iam::123456789012:role/ecr-push\nsource_profile = base\n"
      "external_id = ext-42\nduration_seconds = 3600\nrole_session_name = ci-session\nregion = eu-west-1\n");
  scene.credentials_file("[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
  scene.variables["AWS_PROFILE"] = "ci";
  CHECK(scene.outcome() == "ROLE/role-secret/role-token from profile ci (assumed role)");
  CHECK(scene.credentials()->account == "123456789012");
  CHECK(scene.credentials()->expires == Scene::noon() + minutes(60));
  const auto seen = scene.transport.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].url.text() == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(header(seen[0], "Content-Type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK(seen[0].body ==
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fecr-push&"
        "RoleSessionName=ci-session&ExternalId=ext-42&DurationSeconds=3600");
  CHECK(signer_of(seen[0]) == "BASE");
  CHECK(header(seen[0], "Authorization").find("/eu-west-1/sts/aws4_request") != std::string::npos);
}

TEST_CASE("roles from roles, and a profile that names itself") {
  Scene scene(sts());
  scene.config(
      "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n"
      "[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = c\n"
      "[profile c]\nrole_arn = arn:aws:iam::1:role/c\nsource_profile = c\n"
      "aws_access_key_id = OWN\naws_secret_access_key = s\n");
  scene.who.profile = "a";
  CHECK(scene.outcome() == "ROLE/role-secret/role-token from profile a (assumed role)");
  // c has keys of its own, so b is assumed with these.
  CHECK(scene.transport.seen().size() == 2);
  CHECK(signer_of(scene.transport.seen()[0]) == "OWN");
  CHECK(signer_of(scene.transport.seen()[1]) == "ROLE");
  scene.made.reset();
  scene.who.profile = "c";
  CHECK(scene.outcome() == "ROLE/role-secret/role-token from profile c (assumed role)");
  CHECK(scene.transport.seen().size() == 3);
}

TEST_CASE("role profiles that cannot work are errors that say why") {
  const struct {
    const char* config;
    const char* message;
  } rows[] = {
      {"source_profile = other\n[profile other]\nrole_arn = r2\nsource_profile = p\n", "in a circle"},
      {"source_profile = p\n", "in a circle"},
      {"source_profile = missing\n", "source_profile missing does not exist"},
      {"source_profile = empty\n[profile empty]\nregion = r\n", "says nothing about credentials"},
      {"", "neither source_profile nor credential_source"},
      {"source_profile = p\ncredential_source = Environment\n", "both source_profile and credential_source"},
      {"credential_source = Moon\n", "credential_source Moon is unknown"},
      {"credential_source = Environment\n", "credential_source Environment: no AWS_ACCESS_KEY_ID"},
      {"credential_source = Environment\nmfa_serial = arn:mfa\n", "MFA"},
      {"credential_source = Environment\nduration_seconds = 60\n", "duration_seconds"},
      {"credential_source = Environment\nduration_seconds = 1h\n", "duration_seconds"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.config);
    Scene scene(sts());
    scene.config("[profile p]\nrole_arn = arn:aws:iam::1:role/p\n" + std::string(row.config));
    scene.who.profile = "p";
    const auto found = scene.credentials();
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find(row.message) != std::string::npos);
    CHECK(scene.transport.seen().empty());
  }
}

TEST_CASE("a role from the environment's keys, although the profile was chosen by option") {
  Scene scene(sts());
  scene.config("[profile p]\nrole_arn = arn:aws:iam::1:role/p\ncredential_source = Environment\n");
  scene.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  scene.who.profile = "p";
  CHECK(scene.outcome() == "ROLE/role-secret/role-token from profile p (assumed role)");
  CHECK(signer_of(scene.transport.seen()[0]) == "ENV");
  CHECK(scene.transport.seen()[0].url.host() == "sts.us-east-1.amazonaws.com");
}

TEST_CASE("the role of the options is assumed with whatever was found") {
  Scene scene(sts());
  scene.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  scene.variables["AWS_REGION"] = "eu-west-1";
  scene.who.role_arn = "arn:aws:iam::1:role/on-top";
  CHECK(scene.outcome() == "ROLE/role-secret/role-token from role arn:aws:iam::1:role/on-top");
  REQUIRE(scene.transport.seen().size() == 1);
  CHECK(scene.transport.seen()[0].body.find("RoleSessionName=davit-1768478400") != std::string::npos);
}

TEST_CASE("row 71: credentials of a role last as long as AWS says, whatever this machine's clock says") {
  std::atomic<int> asked{0};
  Scene scene([&](const net::Request&) {
    if (asked++ > 0) return sts_answer(Scene::in(minutes(60)));
    auto refused = sts_refusal(403, "RequestExpired");
    refused.headers.add("Date", "Thu, 15 Jan 2026 12:00:00 GMT");
    return refused;
  });
  scene.clock.advance(hours(3));  // by which the machine is ahead
  scene.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  scene.who.role_arn = "arn:aws:iam::1:role/x";
  CHECK(scene.outcome().starts_with("ROLE/"));
  CHECK(asked == 2);
  scene.clock.advance(minutes(40));
  CHECK(scene.outcome().starts_with("ROLE/"));
  CHECK(asked == 2);
  scene.clock.advance(minutes(6));
  CHECK(scene.outcome().starts_with("ROLE/"));
  CHECK(asked == 3);
}

TEST_CASE("a role that STS refuses") {
  Scene scene([](const net::Request&) { return sts_refusal(403, "AccessDenied"); });
  scene.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  scene.variables["AWS_SECRET_ACCESS_KEY"] = "s3cret-key";
  scene.who.role_arn = "arn:aws:iam::1:role/x";
  CHECK(scene.outcome() ==
        "denied: role arn:aws:iam::1:role/x: AssumeRole at sts.us-east-1.amazonaws.com: AccessDenied: words");
}

TEST_CASE("web identity: the token is read at each renewal and the call is not signed") {
  Scene scene(sts());
  const std::string file = scene.home.write("token", "first-token\n").string();
  scene.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = file;
  scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/irsa";
  scene.variables["AWS_ROLE_SESSION_NAME"] = "pod";
  scene.variables["AWS_REGION"] = "eu-west-1";
  CHECK(scene.outcome() == "WEB/role-secret/role-token from web identity");
  scene.home.write("token", "second-token");
  const auto first = scene.credentials();
  scene.identity().expired(first->keys);
  REQUIRE(scene.credentials());
  const auto seen = scene.transport.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Firsa&"
        "RoleSessionName=pod&WebIdentityToken=first-token");
  CHECK(seen[1].body.ends_with("WebIdentityToken=second-token"));
  CHECK(signer_of(seen[0]) == "nobody");
}

TEST_CASE("web identity in a profile, and which one wins") {
  Scene scene(sts());
  const std::string file = scene.home.write("token", "profile-token").string();
  scene.config("[profile p]\nrole_arn = arn:aws:iam::1:role/p\nweb_identity_token_file = " + file + "\n");
  scene.home.write("env-token", "env-token");
  scene.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "~/env-token";
  scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/env";
  scene.variables["AWS_PROFILE"] = "p";
  REQUIRE(scene.credentials());
  CHECK(scene.transport.seen()[0].body.find("WebIdentityToken=env-token") != std::string::npos);
  scene.made.reset();
  scene.who.profile = "p";  // takes the environment out of it
  REQUIRE(scene.credentials());
  CHECK(scene.transport.seen()[1].body.find("role%2Fp&") != std::string::npos);
  CHECK(scene.transport.seen()[1].body.find("WebIdentityToken=profile-token") != std::string::npos);
}

TEST_CASE("web identity that cannot work") {
  Scene scene(sts());
  scene.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = scene.home.path().string() + "/token";
  CHECK(scene.outcome().find("neither AWS_ROLE_ARN nor role_arn") != std::string::npos);
  scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  scene.made.reset();
  CHECK(scene.outcome().starts_with("local_io: web identity: open "));
  scene.home.write("token", "");
  scene.made.reset();
  CHECK(scene.outcome().find("does not hold a web identity token") != std::string::npos);
}

TEST_CASE("row 20: a web identity token that STS repeats does not get into the message") {
  Scene scene([](const net::Request&) {
    return answer(400,
                  "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>bad: marker-token+/="
                  "</Message></Error></ErrorResponse>");
  });
  scene.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = scene.home.write("token", "marker-token+/=").string();
  scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  CHECK(scene.outcome() ==
        "unauthenticated: web identity: AssumeRoleWithWebIdentity at sts.us-east-1.amazonaws.com: "
        "InvalidIdentityToken: bad: ***");
}

TEST_CASE("a GitHub Actions job: its ID token is exchanged for the role") {
  Scene scene([](const net::Request& request) -> Result<net::Response> {
    if (request.url.host() == "token.actions.example.com")
      return answer(200, R"({"count":1,"value":"jwt.a.b"})");
    if (request.body.starts_with("Action=AssumeRoleWithWebIdentity"))
      return sts_answer(Scene::in(minutes(60)), "AssumeRoleWithWebIdentity", "WEB");
    return sts_answer();
  });
  scene.variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.actions.example.com/x?api-version=2.0";
  scene.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "job-bearer";
  SECTION("of the environment") {
    scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/ci";
    CHECK(scene.outcome() == "WEB/role-secret/role-token from GitHub Actions job");
  }
  SECTION("of the options, which is then not assumed twice") {
    scene.who.role_arn = "arn:aws:iam::1:role/ci";
    CHECK(scene.outcome() == "WEB/role-secret/role-token from GitHub Actions job");
  }
  SECTION("of the environment, and another one of the options on top") {
    scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/ci";
    scene.who.role_arn = "arn:aws:iam::1:role/other";
    CHECK(scene.outcome() == "ROLE/role-secret/role-token from role arn:aws:iam::1:role/other");
    CHECK(signer_of(scene.transport.seen().at(2)) == "WEB");
  }
  const auto seen = scene.transport.seen();
  REQUIRE(seen.size() >= 2);
  CHECK(seen[0].url.text() ==
        "https://token.actions.example.com/x?api-version=2.0&audience=sts.amazonaws.com");
  CHECK(header(seen[0], "Authorization") == "bearer job-bearer");
  CHECK(seen[1].body.find("role%2Fci&") != std::string::npos);
  CHECK(seen[1].body.ends_with("WebIdentityToken=jwt.a.b"));
}

TEST_CASE("a GitHub Actions job without the permission, or with an address in clear") {
  Scene scene([](const net::Request&) { return answer(403, "job-bearer"); });
  scene.variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.actions.example.com/x";
  scene.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "job-bearer";
  scene.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/ci";
  const auto found = scene.credentials();
  REQUIRE_FALSE(found);
  CHECK(found.error().message ==
        "ID token of the GitHub Actions job at token.actions.example.com: status 403");
  CHECK(found.error().hint.find("id-token: write") != std::string::npos);
  scene.made.reset();
  scene.variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://token.actions.example.com/x";
  CHECK(scene.outcome().starts_with("denied: "));
  CHECK(scene.transport.seen().size() == 1);
}
