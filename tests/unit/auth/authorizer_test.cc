#include "auth/authorizer.h"

#include <atomic>
#include <thread>

#include "auth/login.h"
#include "crypto/base64.h"
#include "fakes.h"
#include "support/catch.h"

using davit::Credential;
using davit::Errc;
using davit::Secret;
using davit::auth::Authorizer;
using davit::auth::Scope;
using davit::net::Peers;
using davit::net::Url;

namespace {

const std::string kBearer = R"(Bearer realm="https://r.example.com/token",service="svc")";
const Scope kPush{.repository = "team/app", .push = true};

Credential user(const std::string& name, const std::string& password) {
  return {.username = name, .password = Secret(password)};
}

std::string basic(const std::string& pair) {
  return "Basic " + davit::crypto::base64_encode(pair);
}

std::string token_body(const std::string& token, int seconds = 300) {
  return "{\"token\": \"" + token + "\", \"expires_in\": " + std::to_string(seconds) + "}";
}

/// A source that counts its questions and can change its mind.
class Vault final : public davit::CredentialSource {
 public:
  explicit Vault(std::optional<Credential> initial) : credential(std::move(initial)) {}
  davit::Result<std::optional<Credential>> find(const std::string& host, const std::string& repository,
                                                const davit::CallContext&) override {
    ++questions;
    last = host + "/" + repository;
    return credential;
  }
  std::optional<Credential> credential;
  std::atomic<int> questions = 0;
  std::string last;
};

struct Fixture {
  explicit Fixture(std::optional<Credential> credential, FakeTransport::Handler handler,
                   std::vector<std::string> allowed = {})
      : vault(std::make_shared<Vault>(std::move(credential))),
        transport(std::move(handler)),
        authorizer(davit::auth::make_authorizer({.host = "r.example.com",
                                                 .origin = *Url::parse("https://r.example.com/"),
                                                 .credentials = {vault},
                                                 .allowed_realms = std::move(allowed)},
                                                transport, clock)) {}

  std::string header(const Scope& scope = kPush) { return authorizer->header(scope, {}).value(); }
  davit::Result<bool> challenged(const std::string& refused, const std::string& challenge = kBearer,
                                 const Scope& scope = kPush) {
    return authorizer->challenged({challenge}, scope, refused, {});
  }

  FakeClock clock;
  std::shared_ptr<Vault> vault;
  FakeTransport transport;
  std::unique_ptr<Authorizer> authorizer;
};

/// Each token is "t1", "t2", ...
FakeTransport::Handler counting(int seconds = 300) {
  return [seconds, n = std::make_shared<std::atomic<int>>(0)](const Seen&) {
    return answer(200, token_body("t" + std::to_string(++*n), seconds));
  };
}

}  // namespace

TEST_CASE("nothing is looked up or sent before the first challenge") {
  Fixture f(user("joe", "pw"), counting());
  CHECK(f.header().empty());
  CHECK(f.vault->questions == 0);
  CHECK(f.transport.seen().empty());
}

TEST_CASE("Basic is answered with the stored password and remembered") {
  Fixture f(user("joe", "p:w"), counting());
  CHECK(f.challenged("", "Basic realm=\"r\"").value());
  CHECK(f.header() == basic("joe:p:w"));
  CHECK(f.header({.repository = "other"}) == basic("joe:p:w"));
  CHECK(f.vault->last == "r.example.com/other");
  CHECK(f.transport.seen().empty());
}

TEST_CASE("row 53: refused Basic credentials are looked up once more, then reported") {
  Fixture f(user("joe", "MARKED"), counting());
  CHECK(f.challenged("", "Basic realm=\"r\"").value());
  const auto again = f.challenged(f.header(), "Basic realm=\"r\"");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::unauthenticated);
  CHECK(again.error().message == "r.example.com does not accept the credentials of joe");
  CHECK(again.error().hint == "davit login r.example.com");
  CHECK(f.vault->questions == 2);

  f.vault->credential = user("joe", "changed");
  CHECK(f.challenged(f.header(), "Basic realm=\"r\"").value());
  CHECK(f.header() == basic("joe:changed"));
}

TEST_CASE("no credentials for a registry that wants some") {
  Fixture f(std::nullopt, counting());
  const auto again = f.challenged("", "Basic realm=\"r\"");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::unauthenticated);
  CHECK(again.error().message ==
        "r.example.com wants credentials to push to team/app, and there are none for it");
  CHECK(again.error().hint == "davit login r.example.com");
}

TEST_CASE("a 401 without a challenge, and one of an unknown kind") {
  Fixture f(user("joe", "pw"), counting());
  CHECK_FALSE(f.authorizer->challenged({}, kPush, "", {}).value());
  const auto unknown = f.challenged("", "Negotiate");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::unauthenticated);
  CHECK(unknown.error().message.find("negotiate") != std::string::npos);
}

TEST_CASE("Bearer: the password goes to the realm, the token to the registry") {
  Fixture f(user("joe", "pw"), counting());
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t1");
  CHECK(f.header() == "Bearer t1");
  const auto seen = f.transport.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "GET");
  CHECK(seen[0].url ==
        "https://r.example.com/token?account=joe&service=svc&scope=repository%3Ateam%2Fapp%3Apull%2Cpush");
  CHECK(seen[0].authorization == basic("joe:pw"));
  CHECK(seen[0].peers == Peers::any);
  // Another scope is another token; a mount names both repositories.
  CHECK(f.header({.repository = "b", .mount_from = "a"}) == "Bearer t2");
  CHECK(f.transport.seen()[1].url ==
        "https://r.example.com/"
        "token?account=joe&service=svc&scope=repository%3Ab%3Apull&scope=repository%3Aa%3Apull");
}

TEST_CASE("the scope of a first challenge is only an example") {
  Fixture f(user("joe", "pw"), counting());
  CHECK(f.challenged("", kBearer + R"(,scope="repository:user/image:pull")").value());
  CHECK(f.header() == "Bearer t1");
  CHECK(f.transport.seen()[0].url.ends_with("&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"));
}

TEST_CASE("Bearer without credentials asks anonymously, wherever the realm is") {
  Fixture f(std::nullopt, counting());
  CHECK(f.challenged("", R"(Bearer realm="https://login.other.net/token?x=1",service="s v&c")").value());
  CHECK(f.header() == "Bearer t1");
  const auto seen = f.transport.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].authorization.empty());
  CHECK(seen[0].url ==
        "https://login.other.net/token?x=1&service=s%20v%26c&scope=repository%3Ateam%2Fapp%3Apull%2Cpush");
  CHECK(seen[0].peers == Peers::remote);
  const auto again =
      f.challenged("Bearer t1", R"(Bearer realm="https://login.other.net/token?x=1",service="s v&c")");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::unauthenticated);
  CHECK(again.error().hint == "davit login r.example.com");
}

TEST_CASE("row 2: a foreign realm never sees the credentials") {
  for (const bool identity : {false, true}) {
    Credential credential = user("joe", "MARKED");
    if (identity) credential = {.username = "joe", .identity_token = Secret("MARKED")};
    const std::string challenge = R"(Bearer realm="https://evil.net/token",service="svc")";
    Fixture f(credential, counting());
    CHECK(f.challenged("", challenge).value());
    const auto header = f.authorizer->header(kPush, {});
    REQUIRE_FALSE(header);
    CHECK(header.error().code == Errc::denied);
    CHECK(header.error().message.find("r.example.com") != std::string::npos);
    CHECK(header.error().message.find("evil.net") != std::string::npos);
    CHECK(header.error().hint.find("--allow-realm evil.net") != std::string::npos);
    CHECK(f.transport.seen().empty());

    Fixture twin(credential, counting(), {"evil.net"});
    CHECK(twin.challenged("", challenge).value());
    CHECK(twin.header() == "Bearer t1");
  }
}

TEST_CASE("rows 3 and 4: realms that are not even asked") {
  for (const char* realm : {"https://169.254.169.254/", "http://r.example.com/token", "file:///etc/passwd"}) {
    Fixture f(std::nullopt, counting());
    const auto again = f.challenged("", "Bearer realm=\"" + std::string(realm) + "\",service=\"svc\"");
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::denied);
    CHECK(f.header().empty());
    CHECK(f.transport.seen().empty());
  }
}

TEST_CASE("an identity token is exchanged by POST, and its successor used") {
  Fixture f(Credential{.username = "joe", .identity_token = Secret("first/token")}, [n = 0](
                                                                                        const Seen&) mutable {
    return answer(200, R"({"access_token": "t)" + std::to_string(++n) + R"(", "refresh_token": "second"})");
  });
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t1");
  f.clock.pass(std::chrono::seconds(61));
  CHECK(f.header() == "Bearer t2");
  const auto seen = f.transport.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].url == "https://r.example.com/token");
  CHECK(seen[0].authorization.empty());
  CHECK(seen[0].body ==
        "grant_type=refresh_token&client_id=davit&service=svc&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&"
        "refresh_token=first%2Ftoken");
  CHECK(seen[1].body.ends_with("refresh_token=second"));
}

TEST_CASE("a token service without POST is asked by GET") {
  Fixture f(Credential{.username = "joe", .identity_token = Secret("idt")}, [](const Seen& seen) {
    return seen.method == "POST" ? answer(405) : answer(200, token_body("t"));
  });
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t");
  CHECK(f.transport.seen()[1].authorization == basic("joe:idt"));
}

TEST_CASE("a ready registry token is used as it is") {
  Fixture f(Credential{.registry_token = Secret("ready")}, counting());
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer ready");
  CHECK(f.transport.seen().empty());
  CHECK_FALSE(f.challenged("Bearer ready"));
}

TEST_CASE("rows 54 and 70: tokens are renewed ahead of their end, counted from receipt on our own clock") {
  Fixture f(user("joe", "pw"), [n = 0](const Seen&) mutable {
    const std::string issued = ++n == 1 ? "2001-01-01T00:00:00Z" : "2999-01-01T00:00:00Z";
    return answer(200, R"({"token": "t)" + std::to_string(n) + R"(", "expires_in": 300, "issued_at": ")" +
                           issued + "\"}");
  });
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t1");
  f.clock.pass(std::chrono::seconds(239));
  CHECK(f.header() == "Bearer t1");
  f.clock.pass(std::chrono::seconds(1));
  CHECK(f.header() == "Bearer t2");
  f.clock.pass(std::chrono::seconds(241));
  CHECK(f.header() == "Bearer t3");
}

TEST_CASE("row 54: a refused token is renewed once, also when others hold it") {
  Fixture f(user("joe", "pw"), counting());
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t1");
  CHECK(f.header() == "Bearer t1");
  CHECK(f.challenged("Bearer t1").value());
  CHECK(f.header() == "Bearer t2");
  CHECK(f.challenged("Bearer t1").value());  // a straggler
  CHECK(f.header() == "Bearer t2");
  CHECK(f.transport.seen().size() == 2);
}

TEST_CASE("a token that is refused at its first use is the end") {
  Fixture f(user("joe", "pw"), counting());
  CHECK(f.challenged("").value());
  const auto again = f.challenged(f.header());
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::denied);
  CHECK(again.error().message == "r.example.com does not let joe push to team/app");
}

TEST_CASE("insufficient_scope is the end at once, except when the registry names a scope to add") {
  Fixture f(user("joe", "pw"), counting());
  const std::string too_little = kBearer + R"(,error="insufficient_scope",scope="repository:team/app:pull")";
  CHECK(f.challenged("").value());
  CHECK(f.header() == "Bearer t1");
  CHECK(f.header() == "Bearer t1");
  CHECK(f.challenged("Bearer t1", too_little).error().code == Errc::denied);

  const std::string more =
      kBearer + R"(,error="insufficient_scope",scope="repository:team/app:delete repository:team/app:pull")";
  CHECK(f.challenged(f.header(), more).value());
  CHECK(f.header() == "Bearer t3");
  CHECK(f.transport.seen().back().url.ends_with("&scope=repository%3Ateam%2Fapp%3Adelete"));
  CHECK_FALSE(f.challenged("Bearer t3", more));
}

TEST_CASE("row 54: twenty threads share one token request") {
  std::atomic<int> requests = 0;
  std::atomic<bool> open = false;
  Fixture f(user("joe", "pw"), [&](const Seen&) {
    ++requests;
    while (!open) std::this_thread::yield();
    return answer(200, token_body("t"));
  });
  CHECK(f.challenged("").value());
  std::atomic<int> started = 0;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      if (++started == 20) open = true;
      if (f.authorizer->header(kPush, {}).value() == "Bearer t") ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 20);
  CHECK(requests == 1);
  CHECK(f.vault->questions == 1);
}

TEST_CASE(
    "row 84: waiting for another thread's token request can be cancelled, and the next one takes over") {
  std::atomic<int> requests = 0;
  std::atomic<bool> open = false;
  Fixture f(user("joe", "pw"), [&](const Seen&) -> davit::Result<davit::net::Response> {
    const bool first = ++requests == 1;
    while (first && !open) std::this_thread::yield();
    if (first) return davit::make_error(Errc::cancelled, "cancelled");
    return answer(200, token_body("t"));
  });
  CHECK(f.challenged("").value());
  const auto outcome = [&](const davit::CallContext& context) {
    const auto header = f.authorizer->header(kPush, context);
    return header ? *header : std::string(davit::to_string(header.error().code));
  };
  std::string first_outcome;
  std::string second_outcome;
  std::string third_outcome;
  std::stop_source first_stop;
  std::thread first([&] { first_outcome = outcome({.stop = first_stop.get_token()}); });
  while (requests == 0) std::this_thread::yield();

  std::stop_source second_stop;
  std::thread second([&] { second_outcome = outcome({.stop = second_stop.get_token()}); });
  second_stop.request_stop();
  second.join();
  CHECK(second_outcome == "cancelled");
  CHECK(outcome({.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)}) == "timeout");

  std::thread third([&] { third_outcome = outcome({}); });
  first_stop.request_stop();
  open = true;
  first.join();
  third.join();
  CHECK(first_outcome == "cancelled");
  CHECK(third_outcome == "Bearer t");
}

TEST_CASE("a token service that fails: retryable or not, and the old token still serves") {
  int status = 200;
  Fixture f(user("joe", "MARKED"),
            [&](const Seen&) { return answer(status, status == 200 ? token_body("t") : "MARKED"); });
  CHECK(f.challenged("").value());
  const Scope other{.repository = "other"};
  const struct {
    int status;
    Errc code;
    bool retryable;
  } rows[] = {{500, Errc::unavailable, true},      {503, Errc::unavailable, true},
              {429, Errc::rate_limited, true},     {408, Errc::unavailable, true},
              {401, Errc::unauthenticated, false}, {400, Errc::unauthenticated, false},
              {403, Errc::denied, false},          {404, Errc::protocol, false},
              {302, Errc::protocol, false}};
  for (const auto& row : rows) {
    CAPTURE(row.status);
    status = row.status;
    const auto header = f.authorizer->header(other, {});
    REQUIRE_FALSE(header);
    CHECK(header.error().code == row.code);
    CHECK(header.error().retryable == row.retryable);
    CHECK(header.error().message.find("MARKED") == std::string::npos);
    CHECK(header.error().message.find("r.example.com") != std::string::npos);
    CHECK(header.error().http->url.find("r.example.com/token") != std::string::npos);
  }
  status = 200;
  CHECK(f.header() == "Bearer t");
  f.clock.pass(std::chrono::seconds(250));
  status = 503;
  CHECK(f.header() == "Bearer t");
  f.clock.pass(std::chrono::seconds(51));
  CHECK(f.authorizer->header(kPush, {}).error().retryable);
}

TEST_CASE("rows 20 and 75: a web page instead of a token is named, without what we sent") {
  std::string page = "<html><title>Sign in</title>";
  Fixture f(user("joe", "MARKED"), [&](const Seen&) { return answer(200, page); });
  CHECK(f.challenged("").value());
  const auto plain = f.authorizer->header(kPush, {});
  CHECK(plain.error().code == Errc::protocol);
  CHECK(plain.error().message.find("<title>Sign in") != std::string::npos);
  for (const std::string& echo : {std::string("MARKED"), davit::crypto::base64_encode("joe:MARKED")}) {
    page = "<html>" + echo;
    const auto echoed = f.authorizer->header(kPush, {});
    CHECK(echoed.error().code == Errc::protocol);
    CHECK(echoed.error().message.find("<html>") == std::string::npos);
  }
}

TEST_CASE("row 95: a credential source that throws is an error") {
  class Thrower final : public davit::CredentialSource {
    davit::Result<std::optional<Credential>> find(const std::string&, const std::string&,
                                                  const davit::CallContext&) override {
      throw std::runtime_error("MARKED");
    }
  };
  FakeTransport transport(counting());
  FakeClock clock;
  const auto authorizer = davit::auth::make_authorizer({.host = "r.example.com",
                                                        .origin = *Url::parse("https://r.example.com/"),
                                                        .credentials = {std::make_shared<Thrower>()}},
                                                       transport, clock);
  CHECK(authorizer->challenged({kBearer}, kPush, "", {}).value());
  const auto header = authorizer->header(kPush, {});
  CHECK(header.error().code == Errc::internal);
  CHECK(header.error().message.find("MARKED") == std::string::npos);
}

TEST_CASE("the first source that answers wins, an error ends the search") {
  auto nothing = std::make_shared<Vault>(std::nullopt);
  auto one = davit::fixed_credentials("r.example.com", user("one", "1"));
  auto two = davit::fixed_credentials("", user("two", "2"));
  auto stranger = davit::fixed_credentials("other.example.com", user("x", "x"));
  FakeTransport transport(counting());
  FakeClock clock;
  const auto authorizer = davit::auth::make_authorizer({.host = "r.example.com",
                                                        .origin = *Url::parse("https://r.example.com/"),
                                                        .credentials = {nothing, stranger, one, two}},
                                                       transport, clock);
  CHECK(authorizer->challenged({"Basic"}, kPush, "", {}).value());
  CHECK(authorizer->header(kPush, {}).value() == basic("one:1"));
  CHECK(nothing->questions == 1);
}

TEST_CASE("login verifies a credential against /v2/") {
  const davit::auth::LoginTarget target{.host = "r.example.com",
                                        .origin = *Url::parse("https://r.example.com/")};
  FakeClock clock;
  const auto verify = [&](FakeTransport::Handler handler, const Credential& credential) {
    FakeTransport transport(std::move(handler));
    const auto result = davit::auth::verify_credential(target, credential, transport, clock, {});
    return result ? std::string("accepted") : std::string(davit::to_string(result.error().code));
  };
  const auto htpasswd = [](const Seen& seen) {
    CHECK(seen.url == "https://r.example.com/v2/");
    return seen.authorization == basic("joe:pw") ? answer(200) : answer(401, "", {"Basic realm=\"r\""});
  };
  CHECK(verify(htpasswd, user("joe", "pw")) == "accepted");
  CHECK(verify(htpasswd, user("joe", "wrong")) == "unauthenticated");
  const auto tokens = [](const Seen& seen) {
    if (seen.url.find("/token") != std::string::npos) {
      return seen.authorization == basic("joe:pw") ? answer(200, token_body("t")) : answer(401);
    }
    return seen.authorization == "Bearer t" ? answer(200, "{}") : answer(401, "", {kBearer});
  };
  CHECK(verify(tokens, user("joe", "pw")) == "accepted");
  CHECK(verify(tokens, user("joe", "wrong")) == "unauthenticated");
  CHECK(verify([](const Seen&) { return answer(200); }, user("joe", "pw")) == "accepted");
  CHECK(verify([](const Seen&) { return answer(200, "<!doctype html><form>"); }, user("joe", "pw")) ==
        "protocol");  // row 75
  CHECK(verify([](const Seen&) { return answer(404, "<html>"); }, user("joe", "pw")) == "protocol");
  CHECK(verify([](const Seen&) { return answer(503); }, user("joe", "pw")) == "unavailable");
  CHECK(verify([](const Seen&) { return answer(403); }, user("joe", "pw")) == "denied");
  CHECK(verify([](const Seen&) { return answer(401); }, user("joe", "pw")) == "unauthenticated");
}
