// What an ECR registry is shown, and what its refusals cost.
#include "aws/ecr_authorizer.h"

#include "auth/token_request.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "unit/aws/ecr_fakes.h"
#include "unit/aws/fakes.h"

using namespace davit;
using test::FakeClock;

namespace {

const CallContext kContext;
const std::string kHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const auth::Scope kPull{.repository = "app", .push = false, .mount_from = {}};
const auth::Scope kPush{.repository = "app", .push = true, .mount_from = {}};

/// A file or helper that lies about on the machine.
class Machine final : public CredentialSource {
 public:
  explicit Machine(std::optional<Credential> credential) : credential_(std::move(credential)) {}
  Result<std::optional<Credential>> find(const std::string&, const std::string&,
                                         const CallContext&) override {
    return credential_;
  }
  [[nodiscard]] bool chosen() const override { return false; }

 private:
  const std::optional<Credential> credential_;
};

std::shared_ptr<CredentialSource> chosen(const std::string& user) {
  return fixed_credentials("", {.username = user, .password = Secret("pw")});
}
std::shared_ptr<CredentialSource> machine(const std::string& user, const std::string& password = "pw") {
  return std::make_shared<Machine>(Credential{.username = user, .password = Secret(password)});
}

std::string basic(const std::string& user, const std::string& password) {
  return auth::basic_header(user, Secret(password));
}

struct Scene {
  using Give = std::function<Result<net::Response>(int)>;
  explicit Scene(aws::EcrSources sources = {}, Give how = {}) : give(std::move(how)) {
    authorizer = aws::make_ecr_authorizer({.host = kHost,
                                           .origin = net::Url::parse("https://" + kHost + "/").value(),
                                           .site = site(),
                                           .sources = std::move(sources),
                                           .allowed_realms = {}},
                                          tokens, transport, clock, {});
  }
  FakeClock clock;
  FakeIdentity identity;
  std::atomic<int> asked = 0;
  Give give;
  FakeApi api{[this](const aws::ApiCall&) -> Result<net::Response> {
    const int number = ++asked;
    if (give) return give(number);
    return grants(
        "p" + std::to_string(number),
        std::chrono::duration<double>((clock.wall() + std::chrono::hours(12)).time_since_epoch()).count());
  }};
  FakeTransport transport{[](const net::Request&) -> Result<net::Response> {
    return make_error(Errc::internal, "a private registry has no token service");
  }};
  aws::EcrTokens tokens{api, identity, clock, {}};
  std::unique_ptr<auth::Authorizer> authorizer;

  std::string header(const auth::Scope& scope = kPull) {
    const auto got = authorizer->header(scope, kContext);
    return got ? *got : "error: " + got.error().message;
  }
  bool rejected(const std::string& text, const std::string& with, int status = 403, bool silent = false) {
    return authorizer->rejected({.status = status, .text = text, .silent = silent}, kPull, with, kContext)
        .value_or(false);
  }
};

Result<net::Response> nothing(int) {
  return make_error(Errc::unauthenticated, "no AWS credentials: looked in the environment");
}
Result<net::Response> denied(int) {
  return refuses("AccessDeniedException",
                 "User: arn:aws:iam::1:user/u is not authorized to perform: ecr:GetAuthorizationToken on "
                 "resource: * because ...");
}

}  // namespace

TEST_CASE("a private registry is shown the token as AWS gave it, from the first request on") {
  Scene scene;
  CHECK(scene.header() == "Basic " + token_text("p1"));
  CHECK(scene.header(kPush) == "Basic " + token_text("p1"));
  CHECK(scene.asked == 1);
}

TEST_CASE("credentials given for the purpose come before AWS") {
  Scene scene({.chosen = {chosen("me")}, .machine = {machine("old")}});
  CHECK(scene.header() == basic("me", "pw"));
  CHECK(scene.asked == 0);
}

TEST_CASE("AWS comes before what lies about on the machine") {
  Scene scene({.chosen = {}, .machine = {machine("old")}});
  CHECK(scene.header() == "Basic " + token_text("p1"));
}

TEST_CASE("where the AWS chain has nothing or is denied, Docker's configuration is asked") {
  for (const auto& how : {nothing, denied}) {
    Scene scene({.chosen = {}, .machine = {machine("docker")}}, how);
    CHECK(scene.header() == basic("docker", "pw"));
    CHECK(scene.header() == basic("docker", "pw"));
    CHECK(scene.asked == 1);  // not for each request
  }
}

TEST_CASE("a stored ECR password that has ended counts as none") {
  const std::string ended = crypto::base64_encode(R"({"payload":"x","expiration":1000})");
  Scene scene({.chosen = {}, .machine = {machine("AWS", ended)}}, nothing);
  CHECK(scene.header().find("there are none for it") != std::string::npos);
}

TEST_CASE("without any credentials the reason is named") {
  Scene none({}, nothing);
  const auto empty = none.authorizer->header(kPush, kContext);
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code == Errc::unauthenticated);
  CHECK(empty.error().message.find("push to app") != std::string::npos);
  CHECK(empty.error().message.find("looked in the environment") != std::string::npos);
  Scene refused({}, denied);
  const auto iam = refused.authorizer->header(kPush, kContext);
  REQUIRE_FALSE(iam);
  CHECK(iam.error().code == Errc::denied);
  CHECK(iam.error().message.find("ecr:GetAuthorizationToken is not allowed") != std::string::npos);
}

TEST_CASE("an API that is down is an error, not a reason to go on with something else") {
  Scene scene({.chosen = {}, .machine = {machine("docker")}}, [](int) -> Result<net::Response> {
    Error error = make_error(Errc::unavailable, "connect: refused");
    error.retryable = true;
    return error;
  });
  const auto header = scene.authorizer->header(kPull, kContext);
  REQUIRE_FALSE(header);
  CHECK(header.error().code == Errc::unavailable);
  CHECK(header.error().retryable);
}

TEST_CASE(
    "row 55: an expired token is renewed, and neither a missing right nor a full repository is a matter of "
    "tokens") {
  Scene scene;
  const std::string first = scene.header();
  CHECK_FALSE(scene.rejected("User: a is not authorized to perform: ecr:PutImage on resource: b", first));
  CHECK_FALSE(scene.rejected("already has the maximum allowed number of images which is '100000'", first));
  CHECK(scene.asked == 1);
  CHECK(scene.rejected("Your authorization token has expired. Reauthenticate and try again.", first));
  CHECK(scene.header() == "Basic " + token_text("p2"));
  CHECK(scene.rejected("Your authorization token has expired. Reauthenticate and try again.", first));
  CHECK(scene.header() == "Basic " + token_text("p2"));  // that one was renewed since
  CHECK(scene.asked == 2);
}

TEST_CASE("a refusal that says nothing costs a renewal only when the token is not fresh") {
  Scene scene;
  const std::string first = scene.header();
  CHECK_FALSE(scene.rejected("", first, 403, true));
  CHECK_FALSE(scene.rejected("Bad Request", first, 400));
  scene.clock.advance(std::chrono::minutes(6));
  CHECK_FALSE(scene.rejected("invalid repository name", first, 400));
  CHECK(scene.rejected("", first, 403, true));
  CHECK(scene.header() == "Basic " + token_text("p2"));
  CHECK_FALSE(scene.rejected("", scene.header(), 403, true));
  CHECK(scene.asked == 2);
}

TEST_CASE("row 55: a token that is refused without a reason is kept while no other one can be had") {
  std::atomic<bool> down = false;
  FakeClock* time = nullptr;
  Scene scene({}, [&](int number) -> Result<net::Response> {
    if (down) return make_error(Errc::unavailable, "connect: refused");
    return grants(
        "p" + std::to_string(number),
        std::chrono::duration<double>((time->wall() + std::chrono::hours(12)).time_since_epoch()).count());
  });
  time = &scene.clock;
  const std::string first = scene.header();
  scene.clock.advance(std::chrono::minutes(6));
  down = true;
  CHECK(scene.rejected("", first, 403, true));
  CHECK(scene.header() == first);
  CHECK_FALSE(scene.rejected("", first, 403, true));  // not for each request
  CHECK(scene.header() == first);
  CHECK(scene.asked == 2);
  scene.clock.advance(std::chrono::minutes(2));
  down = false;
  CHECK(scene.rejected("", first, 403, true));
  CHECK(scene.header() == "Basic " + token_text("p3"));
  // One that has ended by the registry's own words is of no use.
  down = true;
  CHECK(
      scene.rejected("Your authorization token has expired. Reauthenticate and try again.", scene.header()));
  CHECK(scene.header().starts_with("error"));
}

TEST_CASE("a burst of 401s costs one new token, and everybody who met it tries again") {
  Scene scene;
  const std::string first = scene.header();
  const auto again = scene.authorizer->challenged({"Basic realm=\"x\""}, kPull, first, kContext);
  REQUIRE(again);
  CHECK(*again);
  const std::string second = scene.header();
  CHECK(second != first);
  for (int i = 0; i < 2; ++i) {
    const auto later = scene.authorizer->challenged({"Basic realm=\"x\""}, kPull, second, kContext);
    REQUIRE(later);
    CHECK(*later);
    CHECK(scene.header() == second);
  }
  CHECK(scene.asked == 2);
  scene.clock.advance(std::chrono::minutes(2));
  CHECK(scene.authorizer->challenged({"Basic realm=\"x\""}, kPull, second, kContext).value_or(false));
  CHECK(scene.header() != second);
}

namespace {

const std::string kRealm = "https://public.ecr.aws/token/";
const std::vector<std::string> kChallenge = {
    "Bearer realm=\"https://public.ecr.aws/token/\",service=\"public.ecr.aws\",scope=\"aws\""};

/// The gallery: its token service counts, and can refuse logins.
struct Gallery {
  explicit Gallery(Scene::Give how = {}, aws::EcrSources sources = {}) : give(std::move(how)) {
    authorizer = aws::make_ecr_authorizer({.host = "public.ecr.aws",
                                           .origin = net::Url::parse("https://public.ecr.aws/").value(),
                                           .site = public_site(),
                                           .sources = std::move(sources),
                                           .allowed_realms = {}},
                                          tokens, transport, clock, {});
  }
  FakeClock clock;
  FakeIdentity identity;
  std::atomic<int> asked = 0;
  Scene::Give give;
  std::string refused_login;  // this password is not accepted
  std::string extra = R"(,"expires_in":3600)";
  FakeApi api{[this](const aws::ApiCall&) -> Result<net::Response> {
    const int number = ++asked;
    if (give) return give(number);
    return says(200, R"({"authorizationData":{"authorizationToken":")" +
                         token_text("p" + std::to_string(number)) + R"("}})");
  }};
  FakeTransport transport{[this](const net::Request& request) -> Result<net::Response> {
    const std::string login = ::header(request, "Authorization");
    if (!login.empty() && login == refused_login) return answer(401, "no");
    const std::string who = login.empty() ? "nobody" : "somebody";
    return answer(200, R"({"token":")" + who + std::to_string(transport.seen().size()) + "\"" + extra + "}");
  }};
  aws::EcrTokens tokens{api, identity, clock, {}};
  std::unique_ptr<auth::Authorizer> authorizer;

  std::string header(const auth::Scope& scope = kPull) {
    const auto got = authorizer->header(scope, kContext);
    return got ? *got : "error: " + got.error().message;
  }
  std::string after_challenge(const auth::Scope& scope = kPull) {
    CHECK(header(scope).empty());
    CHECK(authorizer->challenged(kChallenge, scope, "", kContext).value_or(false));
    return header(scope);
  }
};

}  // namespace

TEST_CASE("the public gallery's token is got with the login, at the realm as it is written") {
  Gallery gallery;
  CHECK(gallery.after_challenge() == "Bearer somebody1");
  CHECK(gallery.header() == "Bearer somebody1");
  const auto seen = gallery.transport.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].url.text().starts_with(kRealm + "?"));
  CHECK(seen[0].url.query().find("service=public.ecr.aws") != std::string::npos);
  CHECK(seen[0].url.query().find("scope=aws") != std::string::npos);
  CHECK(::header(seen[0], "Authorization") == "Basic " + token_text("p1"));
}

TEST_CASE("readers without a login go on as nobody, pushers do not") {
  Gallery gallery(nothing);
  CHECK(gallery.after_challenge() == "Bearer nobody1");
  const auto push = gallery.authorizer->header(kPush, kContext);
  REQUIRE_FALSE(push);
  CHECK(push.error().code == Errc::unauthenticated);
}

TEST_CASE("a login that is not accepted is made anew once, and then readers go on as nobody") {
  Gallery old;
  old.refused_login = "Basic " + token_text("p1");
  CHECK(old.after_challenge() == "Bearer somebody2");
  CHECK(old.asked == 2);

  Gallery stale(nothing, {.chosen = {}, .machine = {machine("AWS", "stale")}});
  stale.refused_login = basic("AWS", "stale");
  CHECK(stale.after_challenge() == "Bearer nobody2");

  Gallery pusher(nothing, {.chosen = {}, .machine = {machine("AWS", "stale")}});
  pusher.refused_login = basic("AWS", "stale");
  CHECK(pusher.after_challenge(kPush).starts_with("error"));
}

TEST_CASE("a token of the public gallery lasts as long as somebody says, or ten minutes") {
  Gallery said;
  CHECK(said.after_challenge() == "Bearer somebody1");
  said.clock.advance(std::chrono::minutes(58));
  CHECK(said.header() == "Bearer somebody1");
  said.clock.advance(std::chrono::minutes(2));
  CHECK(said.header() == "Bearer somebody2");

  Gallery silent;
  silent.extra = "";
  CHECK(silent.after_challenge() == "Bearer somebody1");
  silent.clock.advance(std::chrono::minutes(8));
  CHECK(silent.header() == "Bearer somebody1");
  silent.clock.advance(std::chrono::minutes(2));
  CHECK(silent.header() == "Bearer somebody2");
}

TEST_CASE("a 400 about the token is answered with another one, and with nobody's when that was fresh") {
  Gallery gallery;
  const std::string first = gallery.after_challenge();
  gallery.clock.advance(std::chrono::minutes(5));
  const auth::Rejection invalid{
      .status = 400, .text = "Your Authorization Token is invalid.", .silent = false};
  CHECK(gallery.authorizer->rejected(invalid, kPull, first, kContext).value_or(false));
  const std::string second = gallery.header();
  CHECK(second == "Bearer somebody2");
  CHECK(gallery.authorizer->rejected(invalid, kPull, second, kContext).value_or(false));
  const std::string third = gallery.header();
  CHECK(third == "Bearer nobody3");
  CHECK_FALSE(gallery.authorizer->rejected(invalid, kPull, third, kContext).value_or(true));
}

TEST_CASE("a fresh token of the public gallery that a push is refused is got once more, and shown again") {
  Gallery gallery;
  const std::string first = gallery.after_challenge(kPush);
  CHECK(gallery.authorizer->challenged(kChallenge, kPush, first, kContext).value_or(false));
  const std::string second = gallery.header(kPush);
  CHECK(second != first);
  CHECK(second.starts_with("Bearer somebody"));
  for (int i = 0; i < 2; ++i) {  // two that met the same burst
    CHECK(gallery.authorizer->challenged(kChallenge, kPush, second, kContext).value_or(false));
    CHECK(gallery.header(kPush) == second);
  }
}

TEST_CASE("given credentials that are refused are named, and not by an answer that cannot say why") {
  for (const char* text : {"Your Authorization Token is invalid.", "Forbidden"}) {
    INFO(text);
    const int status = std::string_view(text) == "Forbidden" ? 403 : 400;
    Scene scene({.chosen = {chosen("joe")}, .machine = {}});
    const std::string shown = scene.header();
    const auto silent =
        scene.authorizer->rejected({.status = status, .text = {}, .silent = true}, kPull, shown, kContext);
    REQUIRE(silent);
    CHECK_FALSE(*silent);
    const auto refused =
        scene.authorizer->rejected({.status = status, .text = text, .silent = false}, kPull, shown, kContext);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::unauthenticated);
    CHECK(refused.error().message.find("the credentials of joe") != std::string::npos);
    CHECK(refused.error().message.find(text) != std::string::npos);
  }
  Scene scene({.chosen = {chosen("joe")}, .machine = {}});
  const auto other = scene.authorizer->rejected({.status = 400, .text = "no such tag", .silent = false},
                                                kPull, scene.header(), kContext);
  REQUIRE(other);
  CHECK_FALSE(*other);
}

TEST_CASE("a login counts as given for the work only where there is one for that registry") {
  CHECK(Scene({.chosen = {chosen("joe")}, .machine = {}})
            .authorizer->has_chosen_login("app", kContext)
            .value_or(false));
  CHECK_FALSE(Scene({.chosen = {}, .machine = {machine("joe")}})
                  .authorizer->has_chosen_login("app", kContext)
                  .value_or(true));
  const auto elsewhere = fixed_credentials("other.example", {.username = "joe", .password = Secret("pw")});
  CHECK_FALSE(Scene({.chosen = {elsewhere}, .machine = {}})
                  .authorizer->has_chosen_login("app", kContext)
                  .value_or(true));
}

TEST_CASE("the login never goes to another host's token service") {
  Gallery gallery;
  CHECK(gallery.header().empty());
  const std::vector<std::string> elsewhere = {
      "Bearer realm=\"https://public.ecr.aws.evil.example/token/\",service=\"public.ecr.aws\",scope=\"aws\""};
  REQUIRE(gallery.authorizer->challenged(elsewhere, kPush, "", kContext));
  const auto header = gallery.authorizer->header(kPush, kContext);
  REQUIRE_FALSE(header);
  CHECK(header.error().code == Errc::denied);
  CHECK(gallery.transport.seen().empty());
}
