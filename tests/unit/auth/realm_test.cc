#include "auth/realm.h"

#include "support/catch.h"

using davit::auth::judge_realm;
using davit::auth::same_registrable_domain;
using davit::net::Peers;
using davit::net::Url;

namespace {

/// "own", "trusted", "stranger" or "refused".
std::string verdict(const std::string& registry, const std::string& realm,
                    const std::vector<std::string>& allowed = {}) {
  const auto judged = judge_realm(*Url::parse(registry), realm, allowed);
  if (!judged) return judged.error().code == davit::Errc::denied ? "refused" : "wrong error";
  if (!judged->trusted) return judged->peers == Peers::remote ? "stranger" : "stranger with any peer";
  return judged->peers == Peers::any ? "own" : "trusted";
}

}  // namespace

TEST_CASE("row 2: credentials go to realms that belong to the registry") {
  CHECK(verdict("https://r.example.com/", "https://r.example.com/token") == "own");
  CHECK(verdict("https://r.example.com/", "https://R.Example.com:443/token?x=y") == "own");
  CHECK(verdict("https://r.example.com/", "https://auth.example.com/token") == "trusted");
  CHECK(verdict("https://r.example.com:5050/", "https://example.com/jwt/auth") == "trusted");
  CHECK(verdict("https://registry-1.docker.io/", "https://auth.docker.io/token") == "trusted");
  CHECK(verdict("https://lscr.io/", "https://ghcr.io/token") == "trusted");
  CHECK(verdict("https://ghcr.io/", "https://ghcr.io/token") == "own");
  CHECK(verdict("https://r.example.com/", "https://login.other.net/token", {"login.other.net"}) == "own");
  CHECK(verdict("https://r.example.com/", "https://login.other.net:8443/token",
                {"x.net", "login.other.net:8443"}) == "own");
}

TEST_CASE("row 2: and to no others") {
  CHECK(verdict("https://r.example.com/", "https://evil.net/token") == "stranger");
  CHECK(verdict("https://r.example.com/", "https://login.other.net:8443/token", {"login.other.net"}) ==
        "stranger");
  CHECK(verdict("https://r.example.com/", "https://x.login.other.net/token", {"login.other.net"}) ==
        "stranger");
  CHECK(verdict("https://lscr.io/", "https://ghcr.io:8443/token") == "stranger");
  CHECK(verdict("https://ghcr.io/", "https://lscr.io/token") == "stranger");
  CHECK(verdict("https://10.0.0.5:5000/", "https://10.0.0.5/token") == "stranger");
  CHECK(verdict("https://registry:5000/", "https://registry:5001/token") == "stranger");
}

TEST_CASE("row 10: look-alikes are not the same domain") {
  CHECK(verdict("https://r.example.com/", "https://r.example.com.evil.net/token") == "stranger");
  CHECK(verdict("https://r.example.com/", "https://evilexample.com/token") == "stranger");
  CHECK(verdict("https://registry-1.docker.io/", "https://auth.docker.io.evil.net/token") == "stranger");
  CHECK(verdict("https://registry-1.docker.io/", "https://auth-docker.io/token") == "stranger");
  CHECK(verdict("https://a.co.uk/", "https://b.co.uk/token") == "stranger");
  CHECK(verdict("https://one.github.io/", "https://two.github.io/token") == "stranger");
  CHECK(verdict("https://1.dkr.ecr.us-east-1.amazonaws.com/",
                "https://2.dkr.ecr.us-east-1.amazonaws.com/t") == "stranger");
  CHECK(verdict("https://1.dkr-ecr.us-east-1.on.aws/", "https://1.x.us-east-1.on.aws/t") == "stranger");
  CHECK(verdict("https://public.ecr.aws/", "https://other.ecr.aws/token/") == "stranger");
  CHECK(verdict("https://public.ecr.aws/", "https://public.ecr.aws/token/") == "own");
  CHECK_FALSE(same_registrable_domain("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(same_registrable_domain("com", "com"));
  CHECK(same_registrable_domain("a.b.example.co.uk", "example.co.uk"));
}

TEST_CASE("row 3: realms on this machine or its links are refused in every spelling") {
  for (const char* realm :
       {"https://169.254.169.254/", "https://127.0.0.1/", "https://127.0.0.1:8080/token", "https://[::]:443/",
        "https://[::1]/", "https://0.0.0.0/", "https://localhost/", "https://x.localhost/t",
        "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/", "https://[fd00:ec2::254]/",
        "https://[fe80::1]/", "https://224.0.0.1/"}) {
    CAPTURE(realm);
    CHECK(verdict("https://r.example.com/", realm) == "refused");
  }
  CHECK(verdict("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token") == "refused");
}

TEST_CASE("row 3, the twin: the registry's own address, and what the user allows") {
  CHECK(verdict("http://127.0.0.1:5000/", "http://127.0.0.1:5000/token") == "own");
  CHECK(verdict("http://localhost:5000/", "http://localhost:5000/token") == "own");
  CHECK(verdict("http://[::1]:5000/", "http://[::1]:5000/token") == "own");
  CHECK(verdict("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", {"127.0.0.1:5001"}) == "own");
  CHECK(verdict("http://127.0.0.1:5000/", "http://[::1]:5001/token", {"[::1]:5001"}) == "own");
  CHECK(verdict("https://r.example.com/", "https://10.1.2.3/token") == "stranger");
}

TEST_CASE("row 4: no downgrade and no other scheme") {
  for (const char* realm :
       {"http://r.example.com/token", "HTTP://r.example.com/token", "file:///etc/passwd",
        "ftp://r.example.com/", "gopher://r.example.com/", "DICT://r.example.com/", "//r.example.com/token",
        "/token", "token", "https://user:pw@r.example.com/token", "https://r.example.com/to ken", ""}) {
    CAPTURE(realm);
    CHECK(verdict("https://r.example.com/", realm, {"r.example.com", "r.example.com:80"}) == "refused");
  }
  CHECK(verdict("http://r.example.com/", "http://auth.example.com/token") == "trusted");
  CHECK(verdict("http://r.example.com/", "https://auth.example.com/token") == "trusted");
}

TEST_CASE("a refusal names both ends, the way out, and no query value") {
  const auto judged =
      judge_realm(*Url::parse("https://r.example.com/"), "https://127.0.0.1:9/token?key=MARKED", {});
  REQUIRE_FALSE(judged);
  CHECK(judged.error().message.find("r.example.com") != std::string::npos);
  CHECK(judged.error().message.find("127.0.0.1:9") != std::string::npos);
  CHECK(judged.error().hint.find("--allow-realm 127.0.0.1:9") != std::string::npos);
  CHECK(judged.error().message.find("MARKED") == std::string::npos);
  const auto user = judge_realm(*Url::parse("https://r.example.com/"), "https://u:MARKED@x.net/token", {});
  REQUIRE_FALSE(user);
  CHECK(user.error().message.find("MARKED") == std::string::npos);
}
