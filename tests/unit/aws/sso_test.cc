#include <filesystem>
#include <fstream>
#include <sstream>

#include "crypto/sha1.h"
#include "scene.h"
#include "support/catch.h"

using namespace davit;
using namespace std::chrono;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr const char* kSsoConfig =
    "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Push\n"
    "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
    "[profile old]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
    "sso_account_id = 123456789012\nsso_role_name = Push\n";

/// A portal that wants a token, and an OIDC service that gives the next one.
struct Sso {
  explicit Sso(const std::string& profile) {
    scene.config(kSsoConfig);
    scene.who.profile = profile;
  }
  Result<net::Response> serve(const net::Request& request) const {
    if (request.url.host() == "oidc.eu-west-1.amazonaws.com")
      return answer(oidc_status,
                    oidc_status == 200
                        ? R"({"accessToken":"new-token","expiresIn":28800,"refreshToken":"new-refresh"})"
                        : R"({"error":"invalid_grant","error_description":"refresh-marker"})");
    const std::string token = header(request, "x-amz-sso_bearer_token");
    if (portal_status != 200)
      return answer(portal_status, R"({"__type":"ResourceNotFoundException","message":"no such role"})");
    if (token != "old-token" && token != "new-token") return answer(401, R"({"message":"old-token"})");
    return answer(200, R"({"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"ss","sessionToken":")" +
                           token + R"(","expiration":1768482000000}})");
  }
  [[nodiscard]] std::filesystem::path file(const std::string& key) const {
    return scene.home.path() / ".aws/sso/cache" / (crypto::sha1_hex(key) + ".json");
  }
  void cache(const std::string& key, minutes left) const {
    scene.home.write(std::filesystem::relative(file(key), scene.home.path()),
                     R"({"startUrl":"u","region":"eu-west-1","accessToken":"old-token","expiresAt":")" +
                         Scene::in(left) +
                         R"(","clientId":"cid","clientSecret":"client-marker","registrationExpiresAt":")" +
                         Scene::in(minutes(99999)) + R"(","refreshToken":"refresh-marker","other":[1]})");
  }

  int oidc_status = 200;
  int portal_status = 200;
  Scene scene{[this](const net::Request& request) { return serve(request); }};
};

}  // namespace

TEST_CASE("the file names of the SSO cache") {
  CHECK(crypto::sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("SSO: a token of the cache is exchanged for credentials") {
  for (const char* profile : {"dev", "old"}) {
    CAPTURE(profile);
    Sso sso(profile);
    sso.cache(profile == std::string("dev") ? "corp" : "https://corp.awsapps.com/start", minutes(60));
    CHECK(sso.scene.outcome() == "SSO/ss/old-token from profile " + std::string(profile) + " (SSO)");
    CHECK(sso.scene.credentials()->account == "123456789012");
    CHECK(sso.scene.credentials()->expires == Scene::noon() + hours(1));
    const auto seen = sso.scene.transport.seen();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].method == "GET");
    CHECK(seen[0].url.text() ==
          "https://portal.sso.eu-west-1.amazonaws.com/federation/"
          "credentials?role_name=Push&account_id=123456789012");
    CHECK(header(seen[0], "Authorization").empty());
  }
}

TEST_CASE("SSO: a token of a session is renewed, and the cache keeps what davit does not know") {
  Sso sso("dev");
  sso.cache("corp", minutes(10));
  CHECK(sso.scene.outcome() == "SSO/ss/new-token from profile dev (SSO)");
  const auto seen = sso.scene.transport.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].url.text() == "https://oidc.eu-west-1.amazonaws.com/token");
  CHECK(
      seen[0].body ==
      R"({"clientId":"cid","clientSecret":"client-marker","grantType":"refresh_token","refreshToken":"refresh-marker"})");
  const std::string kept = read(sso.file("corp"));
  CHECK(kept.find(R"("accessToken":"new-token")") != std::string::npos);
  CHECK(kept.find(R"("refreshToken":"new-refresh")") != std::string::npos);
  CHECK(kept.find(R"("expiresAt":"2026-01-15T20:00:00Z")") != std::string::npos);
  CHECK(kept.find(R"("other":[1])") != std::string::npos);
  CHECK(kept.find(R"("clientId":"cid")") != std::string::npos);
  CHECK(std::filesystem::status(sso.file("corp")).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("SSO: a role that does not exist is a matter of credentials, and not of what they are wanted for") {
  Sso sso("dev");
  sso.portal_status = 404;
  sso.cache("corp", minutes(60));
  const std::string outcome = sso.scene.outcome();
  CHECK(outcome.starts_with("unauthenticated: profile dev (SSO): "));
  CHECK(outcome.find("no such role") != std::string::npos);
}

TEST_CASE("SSO: what cannot be renewed") {
  const auto hint = [](Sso& sso) {
    const auto found = sso.scene.credentials();
    return found ? "found " + found->keys.session_token.reveal() : found.error().hint;
  };
  SECTION("is used as long as it lasts") {
    Sso old("old");
    old.cache("https://corp.awsapps.com/start", minutes(10));
    CHECK(hint(old) == "found old-token");
    Sso refused("dev");
    refused.oidc_status = 400;
    refused.cache("corp", minutes(10));
    CHECK(hint(refused) == "found old-token");
  }
  SECTION("needs a new login after that") {
    Sso old("old");
    old.cache("https://corp.awsapps.com/start", minutes(-1));
    CHECK(hint(old) == "aws sso login --profile old");
    CHECK(old.scene.transport.seen().empty());
    Sso refused("dev");
    refused.oidc_status = 400;
    refused.cache("corp", minutes(-1));
    CHECK(hint(refused) == "aws sso login --profile dev");
    CHECK(refused.scene.outcome() ==
          "unauthenticated: profile dev: its SSO session has ended: invalid_grant");
    Sso never("dev");
    CHECK(hint(never) == "aws sso login --profile dev");
  }
  SECTION("is said so when the cache is broken") {
    Sso broken("dev");
    broken.scene.home.write(std::filesystem::relative(broken.file("corp"), broken.scene.home.path()),
                            "{\"marker\"");
    CHECK(broken.scene.outcome() == "unauthenticated: profile dev: its SSO token cannot be read");
  }
}

TEST_CASE("SSO profiles with something missing") {
  constexpr const char* kBoth = "sso_account_id = 1\nsso_role_name = r\n";
  const struct {
    std::string config;
    const char* message;
  } rows[] = {
      {std::string(kBoth) + "sso_session = nowhere\n", "its sso_session nowhere does not exist"},
      {std::string(kBoth) + "sso_region = eu-west-1\n", "sso_session, or sso_start_url and sso_region"},
      {std::string(kBoth) + "sso_start_url = https://x\n", "sso_session, or sso_start_url and sso_region"},
      {"sso_account_id = 1\nsso_session = s\n", "both sso_account_id and sso_role_name"},
      {"sso_role_name = r\nsso_session = s\n", "both sso_account_id and sso_role_name"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.config);
    Scene scene;
    scene.config("[default]\n" + row.config);
    CHECK(scene.outcome().starts_with("invalid_argument: profile default: "));
    CHECK(scene.outcome().find(row.message) != std::string::npos);
  }
}
