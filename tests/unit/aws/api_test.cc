#include "aws/api.h"

#include <atomic>

#include "aws/failure.h"
#include "base/notifier.h"
#include "fakes.h"
#include "support/catch.h"
#include "support/fake_clock.h"

using namespace davit;
using namespace std::chrono;
using aws::ApiCall;

namespace {

/// The first keys are KEY1; each time they are called expired, the number goes up.
class FakeIdentity final : public aws::Identity {
 public:
  Result<aws::Credentials> credentials(const CallContext&) override {
    return aws::Credentials{.keys = {.id = "KEY" + std::to_string(number_.load()),
                                     .secret = Secret("s3cretKEY"),
                                     .session_token = Secret("t0ken/value")}};
  }
  void expired(const aws::Keys& keys) override {
    if (keys.id == "KEY" + std::to_string(number_.load())) ++number_;
  }
  Result<std::string> region(const CallContext&) override { return std::string("eu-west-1"); }
  Result<aws::Endpoint> endpoint(aws::Service service, const std::string& region,
                                 const aws::EndpointForm& form) override {
    return aws::aws_endpoint(service, region, form);
  }

 private:
  std::atomic<int> number_{1};
};

/// An API in front of a script.
struct Scene {
  explicit Scene(FakeTransport::Handler handler) : transport(std::move(handler)) {}
  Result<aws::ApiAnswer> send() { return api->send(call, {}); }

  FakeIdentity identity;
  FakeTransport transport;
  test::FakeClock clock;
  std::unique_ptr<aws::Api> api = aws::make_api(identity, transport, clock, {});
  ApiCall call{.operation = "GetAuthorizationToken",
               .endpoint = *aws::aws_endpoint(aws::Service::ecr, "eu-west-1", {}),
               .content_type = "application/x-amz-json-1.1",
               .target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
               .body = "{}"};
};

/// The given answers one after the other, the last one for ever.
FakeTransport::Handler script(const std::vector<Result<net::Response>>& answers) {
  return [answers, at = std::make_shared<std::atomic<std::size_t>>(0)](const net::Request&) {
    return answers[std::min(at->fetch_add(1), answers.size() - 1)];
  };
}

net::Response failure(int status, const std::string& code, const std::vector<net::Header>& headers = {}) {
  return answer(status, R"({"__type":")" + code + R"(","message":"words"})", headers);
}

}  // namespace

TEST_CASE("a call is a signed POST") {
  Scene scene(script({answer(200, "{}")}));
  REQUIRE(scene.send());
  const auto seen = scene.transport.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].url.text() == "https://api.ecr.eu-west-1.amazonaws.com/");
  CHECK(seen[0].body == "{}");
  CHECK(header(seen[0], "Content-Type") == "application/x-amz-json-1.1");
  CHECK(header(seen[0], "X-Amz-Target") == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  CHECK(header(seen[0], "X-Amz-Security-Token") == "t0ken/value");
  CHECK(header(seen[0], "Authorization").find("Credential=KEY1/") != std::string::npos);
  CHECK(header(seen[0], "Authorization").find("/eu-west-1/ecr/aws4_request") != std::string::npos);
}

TEST_CASE("row 81: a throttled call waits and tries again, three times in all") {
  Scene scene(
      script({failure(400, "ThrottlingException"), failure(400, "ThrottlingException"), answer(200)}));
  scene.clock.set_random(0.5);
  const auto done = scene.send();
  REQUIRE(done);
  CHECK(done->status == 200);
  CHECK(scene.clock.sleeps() == std::vector{milliseconds(500), milliseconds(1000)});

  Scene never(script({failure(400, "ThrottlingException")}));
  const auto refused = never.send();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::rate_limited);
  CHECK(refused.error().attempts == 3);
  CHECK(refused.error().retryable);
  CHECK(refused.error().message ==
        "GetAuthorizationToken at api.ecr.eu-west-1.amazonaws.com: ThrottlingException: words");
  REQUIRE(refused.error().http);
  CHECK(refused.error().http->codes == std::vector<std::string>{"ThrottlingException"});
  CHECK(never.transport.seen().size() == 3);
}

TEST_CASE("calls take their turns with the registry's requests, and a throttled one slows both down") {
  Scene scene(script({answer(200), failure(400, "ThrottlingException"), answer(200)}));
  scene.clock.set_random(0);
  registry::Rates rates;
  rates[registry::Action::check_blob] = 2;
  registry::Limits limits(rates, {}, scene.clock);
  scene.call.limits = &limits;
  scene.call.action = registry::Action::check_blob;
  const auto ask_the_registry = [&] {
    REQUIRE(limits.turn(registry::Action::check_blob, registry::Carries::nothing, {}));
  };
  const auto begun = scene.clock.steady();
  ask_the_registry();
  REQUIRE(scene.send());
  CHECK(scene.clock.steady() - begun >= milliseconds(500));
  REQUIRE(scene.send());  // refused once: a second for both, then more slowly
  const auto now = scene.clock.steady();
  CHECK(now - begun >= milliseconds(2'000));
  ask_the_registry();
  CHECK(scene.clock.steady() - now >= milliseconds(500));
  CHECK(limits.window(registry::Action::check_blob) <= 2);
}

TEST_CASE("what is tried again, and what is not") {
  const struct {
    Result<net::Response> answer;
    std::size_t tries;
  } rows[] = {
      {answer(500), 3},
      {answer(502, "<html>"), 3},
      {answer(503), 3},
      {answer(504), 3},
      {answer(429), 3},
      {failure(400, "ServerException"), 1},
      {failure(500, "ServerException"), 3},
      {failure(400, "com.amazonaws#TooManyRequestsException"), 3},
      {answer(503, "<Error><Code>SlowDown</Code></Error>"), 3},
      {answer(400, "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>"), 3},
      {unreachable(), 3},
      {make_error(Errc::denied, "an address that is refused"), 1},
      {failure(400, "LimitExceededException"), 1},
      {failure(403, "AccessDeniedException"), 1},
      {failure(400, "RepositoryNotFoundException"), 1},
      {answer(404), 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.answer ? row.answer->body : row.answer.error().message);
    Scene scene(script({row.answer}));
    static_cast<void>(scene.send().has_value());
    CHECK(scene.transport.seen().size() == row.tries);
  }
}

TEST_CASE("retries run out of quota before they run out of calls") {
  Scene scene(script({unreachable()}));
  for (int i = 0; i < 60; ++i) CHECK_FALSE(scene.send());
  CHECK(scene.transport.seen().size() == 60 + 500 / 5);
}

TEST_CASE("expired credentials are renewed once") {
  for (const char* code : {"ExpiredTokenException", "ExpiredToken"}) {
    Scene scene(script({failure(403, code), answer(200)}));
    const auto done = scene.send();
    REQUIRE(done);
    CHECK(done->status == 200);
    const auto seen = scene.transport.seen();
    REQUIRE(seen.size() == 2);
    CHECK(header(seen[1], "Authorization").find("Credential=KEY2/") != std::string::npos);
    CHECK(scene.clock.sleeps().empty());
  }
  Scene always(script({failure(403, "ExpiredTokenException")}));
  const auto refused = always.send();
  REQUIRE(refused);
  CHECK(refused->status == 403);
  CHECK(always.transport.seen().size() == 2);
}

TEST_CASE("row 71: a wrong clock is corrected once, and remembered") {
  const Clock::Wall here = sys_days(year(2026) / 1 / 15) + hours(12);
  for (const char* date : {"Thu, 15 Jan 2026 12:10:00 GMT", "Thu, 15 Jan 2026 11:50:00 GMT"}) {
    for (const char* code : {"InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}) {
      CAPTURE(date, code);
      Scene scene(script({failure(403, code, {{"Date", date}}), answer(200)}));
      scene.clock.set_wall(here);
      REQUIRE(scene.send());
      REQUIRE(scene.send());
      const auto seen = scene.transport.seen();
      REQUIRE(seen.size() == 3);
      const std::string corrected =
          std::string(date).find("12:10") != std::string::npos ? "20260115T121000Z" : "20260115T115000Z";
      CHECK(header(seen[0], "X-Amz-Date") == "20260115T120000Z");
      CHECK(header(seen[1], "X-Amz-Date") == corrected);
      CHECK(header(seen[2], "X-Amz-Date") == corrected);
    }
  }
}

TEST_CASE("row 71: a date that is absent, insane or much the same corrects nothing") {
  for (const char* date : {"", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 15 Jan 2100 12:00:00 GMT",
                           "Thu, 15 Jan 2026 12:03:00 GMT"}) {
    CAPTURE(date);
    Scene scene(script({failure(403, "InvalidSignatureException", {{"Date", date}})}));
    scene.clock.set_wall(sys_days(year(2026) / 1 / 15) + hours(12));
    const auto refused = scene.send();
    REQUIRE(refused);
    CHECK(refused->status == 403);
    CHECK(scene.transport.seen().size() == 1);
  }
}

TEST_CASE("row 71: what one API has learnt about the clock another one knows") {
  const auto offset = std::make_shared<aws::ClockOffset>();
  Scene scene(
      script({failure(403, "RequestExpired", {{"Date", "Thu, 15 Jan 2026 12:10:00 GMT"}}), answer(200)}));
  scene.clock.set_wall(sys_days(year(2026) / 1 / 15) + hours(12));
  const auto first = aws::make_api(scene.identity, scene.transport, scene.clock, {}, offset);
  const auto second = aws::make_api(scene.identity, scene.transport, scene.clock, {}, offset);
  REQUIRE(first->send(scene.call, {}));
  REQUIRE(second->send(scene.call, {}));
  const auto seen = scene.transport.seen();
  REQUIRE(seen.size() == 3);
  CHECK(header(seen[2], "X-Amz-Date") == "20260115T121000Z");
}

TEST_CASE("an answer tells whether an earlier try may have been carried out") {
  const auto may_be_done = [](const Result<net::Response>& before) {
    Scene scene(script({before, answer(200)}));
    return scene.send()->may_be_done;
  };
  CHECK(may_be_done(unreachable()));
  CHECK(may_be_done(answer(503)));
  CHECK_FALSE(may_be_done(failure(400, "ThrottlingException")));
  CHECK_FALSE(may_be_done(answer(200)));
}

TEST_CASE("row 71: the difference between the clocks is said once") {
  std::vector<LogRecord> records;
  {
    Notifier notifier;
    FakeIdentity identity;
    test::FakeClock clock;
    clock.set_wall(sys_days(year(2026) / 1 / 15) + hours(12));
    const net::Header ahead{"Date", "Thu, 15 Jan 2026 12:10:00 GMT"};
    const net::Header behind{"Date", "Thu, 15 Jan 2026 11:10:00 GMT"};
    FakeTransport transport(script({failure(403, "RequestExpired", {ahead}), answer(200),
                                    failure(403, "RequestExpired", {behind}), answer(200)}));
    const auto api = aws::make_api(
        identity, transport, clock,
        Log(
            LogLevel::warning, [&](const LogRecord& record) { records.push_back(record); }, notifier));
    Scene scene(script({answer(200)}));
    REQUIRE(api->send(scene.call, {}));
    REQUIRE(api->send(scene.call, {}));
  }
  REQUIRE(records.size() == 1);
  CHECK(records[0].component == "aws");
  CHECK(records[0].fields[0].value == "600");
}

TEST_CASE("row 20: an answer that repeats a secret comes without it") {
  Scene scene([](const net::Request&) {
    return answer(403,
                  R"({"__type":"AccessDeniedException","message":"t0ken/value t0ken%2Fvalue s3cretKEY"})");
  });
  const auto refused = scene.send();
  REQUIRE(refused);
  CHECK(aws::parse_failure(*refused).message == "*** *** ***");
}

TEST_CASE("error answers as AWS writes them") {
  const struct {
    net::Response response;
    const char* code;
    const char* message;
  } rows[] = {
      {answer(400, R"({"__type":"RepositoryNotFoundException","message":"m"})"),
       "RepositoryNotFoundException", "m"},
      {answer(400, R"({"__type":"com.amazon.ecr#AccessDeniedException:http://x/","Message":"m"})"),
       "AccessDeniedException", "m"},
      {answer(403, "{}", {{"x-amzn-ErrorType", "ThrottlingException:http://x"}}), "ThrottlingException", ""},
      {answer(400, R"({"error":"invalid_grant","error_description":"m"})"), "invalid_grant", "m"},
      {answer(403,
              "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
              "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a &amp; b</Message></Error>"
              "<RequestId>id</RequestId></ErrorResponse>"),
       "AccessDenied", "a & b"},
      {answer(502, "<html><body>Bad</body></html>"), "", ""},
      {answer(400, "plain"), "", ""},
      {answer(400, "{\"__type\":\"a b\\u0007\"}"), "", ""},
      {answer(400, "{\"__type\":[1],\"message\":{}}"), "", ""},
      {answer(400, "{broken"), "", ""},
      {answer(400), "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.response.body);
    const auto read = aws::parse_failure(row.response);
    CHECK(read.code == row.code);
    CHECK(read.message == row.message);
    CHECK(read.status == row.response.status);
  }
  CHECK(aws::parse_failure(answer(400, "{}", {{"x-amzn-RequestId", "r1"}})).request_id == "r1");
}

TEST_CASE("what kind of failure a refusal is") {
  const auto url = *net::Url::parse("https://sts.eu-west-1.amazonaws.com/?secret=1");
  const auto code_of = [&](int status, const std::string& code) {
    return aws::refusal("AssumeRole", url, failure(status, code)).code;
  };
  CHECK(code_of(403, "AccessDenied") == Errc::denied);
  CHECK(code_of(400, "AccessDeniedException") == Errc::denied);
  CHECK(code_of(403, "ExpiredToken") == Errc::unauthenticated);
  CHECK(code_of(400, "UnrecognizedClientException") == Errc::unauthenticated);
  CHECK(code_of(403, "InvalidClientTokenId") == Errc::unauthenticated);
  CHECK(code_of(400, "ValidationError") == Errc::invalid_argument);
  CHECK(code_of(400, "RepositoryNotFoundException") == Errc::not_found);
  CHECK(code_of(400, "RepositoryAlreadyExistsException") == Errc::already_exists);
  CHECK(code_of(400, "RepositoryNotEmptyException") == Errc::conflict);
  CHECK(code_of(400, "SomethingNewException") == Errc::unsupported);
  CHECK(code_of(418, "") == Errc::protocol);
  // AWS repeats the whole request here.
  const auto signature = aws::refusal("AssumeRole", url, failure(403, "SignatureDoesNotMatch"));
  CHECK(signature.message == "AssumeRole at sts.eu-west-1.amazonaws.com: SignatureDoesNotMatch");
  CHECK_FALSE(signature.hint.empty());
}
