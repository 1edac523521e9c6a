#include "registry/fields.h"

#include "registry/answer.h"
#include "registry/location.h"
#include "registry/retry.h"
#include "support/catch.h"
#include "support/fake_clock.h"

using namespace davit::registry;
using namespace std::chrono_literals;
using davit::Errc;
using davit::net::Peers;
using davit::net::Url;

TEST_CASE("row 36: numbers from servers are plain decimals within 63 bits") {
  CHECK(parse_decimal("0") == 0u);
  CHECK(parse_decimal("5242880") == 5242880u);
  CHECK(parse_decimal("9223372036854775807") == 9223372036854775807u);
  for (const char* text :
       {"", "-1", "+1", "1e6", " 1", "1 ", "0x10", "9223372036854775808", "99999999999999999999", "text"}) {
    INFO(text);
    CHECK_FALSE(parse_decimal(text));
  }
}

TEST_CASE("row 49: Content-Range in all its forms") {
  const auto range = parse_content_range("bytes 5-9/10");
  REQUIRE(range);
  CHECK(range->first == 5);
  CHECK(range->last == 9);
  CHECK(range->total == 10u);
  CHECK(parse_content_range("Bytes 0-0/*"));
  CHECK_FALSE(parse_content_range("Bytes 0-0/*")->total);
  for (const char* text :
       {"", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes 5-9/9", "bytes */10", "items 5-9/10", "bytes=5-9/10",
        "bytes -5/10", "bytes 5-/10", "bytes 5-9/x", "bytes 5-9/10 "}) {
    INFO(text);
    CHECK_FALSE(parse_content_range(text));
  }
}

TEST_CASE("row 60: the Range of an upload says how much is stored") {
  CHECK(parse_stored_range("0-99") == 100u);
  CHECK(parse_stored_range("bytes=0-99") == 100u);
  CHECK(parse_stored_range("0-0") == 0u);
  for (const char* text : {"", "0", "1-99", "0-", "0-x", "-", "0-1-2"}) {
    INFO(text);
    CHECK_FALSE(parse_stored_range(text));
  }
}

TEST_CASE("row 51: Retry-After in seconds and as a date") {
  const auto now = std::chrono::system_clock::time_point(784111777s);  // Sun, 06 Nov 1994 08:49:37 GMT
  CHECK(parse_retry_after("0", now) == 0s);
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after("999999999999", now) == 86400s);
  CHECK(parse_retry_after("Sun, 06 Nov 2550 08:49:37 GMT", now) == 86400s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now) == 3s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:30 GMT", now) == 0s);
  for (const char* text : {"", "-1", "3.5", "soon", "Sun, 32 Nov 1994 08:49:40 GMT",
                           "Sun, 06 Foo 1994 08:49:40 GMT", "Sun, 06 Nov 1994 25:49:40 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_retry_after(text, now));
  }
}

TEST_CASE("row 13: the next page of a Link header, and nothing else") {
  CHECK(parse_next_link("</v2/a/tags/list?last=b&n=2>; rel=\"next\"") == "/v2/a/tags/list?last=b&n=2");
  CHECK(parse_next_link("<x>;rel=next") == "x");
  CHECK(parse_next_link("<p>; rel=prev, <n>; title=\"a, b\"; REL=\"first NEXT\"") == "n");
  CHECK(parse_next_link("<n>; flag; rel = next") == "n");
  for (const char* text : {"", "x", "<x>", "<x>; rel=prev", "<x; rel=next", "<x>; rel=\"next",
                           "<x>; title=\"rel=next\"", "<x>; rel=nextish"}) {
    INFO(text);
    CHECK(parse_next_link(text).empty());
  }
}

TEST_CASE("row 22: only 299 warnings with a text count") {
  CHECK(parse_warning("299 - \"this is deprecated\"") == "this is deprecated");
  CHECK(parse_warning("299 host:1 \"a \\\"b\\\"\" \"date\"") == "a \"b\"");
  for (const char* text : {"", "199 - \"x\"", "299", "299 -", "299 - x", "299 - \"x"}) {
    INFO(text);
    CHECK(parse_warning(text).empty());
  }
}

TEST_CASE("row 76: error bodies of every shape") {
  const auto codes = [](std::string_view body) { return parse_error_body(body).codes; };
  const auto text = [](std::string_view body) { return parse_error_body(body).text; };
  CHECK(codes(R"({"errors":[{"code":"DENIED","message":"no way","detail":{"x":[1]}},{"code":"B"}]})") ==
        std::vector<std::string>{"DENIED", "B"});
  CHECK(text(R"({"errors":[{"code":"DENIED","message":"no way"}]})") == "no way");
  CHECK(text(R"({"errors":["plain"]})") == "plain");
  CHECK(text(R"({"errors":"plain"})") == "plain");
  CHECK(codes(R"({"errors":{"code":"ONE"}})") == std::vector<std::string>{"ONE"});
  CHECK(text(R"({"message":"gateway"})") == "gateway");
  for (const char* empty :
       {"", "null", "{}", "[]", R"({"errors":null})", R"({"errors":[]})", R"({"errors":[null,1,{}]})", "5"}) {
    INFO(empty);
    CHECK(codes(empty).empty());
    CHECK(text(empty).empty());
  }
  CHECK(text("404 page not found\n") == "404 page not found");
  CHECK(text(std::string(1000, 'x')).size() < 200);
  CHECK(parse_error_body("<!DOCTYPE html><html>login</html>").html);
  CHECK(text("\x1b[2J\xff").find('\x1b') == std::string::npos);
}

TEST_CASE("row 52, row 53: which statuses are worth another try") {
  for (const int status : {408, 499, 500, 502, 503, 504, 522})
    CHECK(trouble_of(status) == Trouble::transient);
  CHECK(trouble_of(429) == Trouble::throttled);
  for (const int status : {200, 201, 301, 400, 401, 403, 404, 405, 409, 413, 415, 416, 422, 501, 505}) {
    INFO(status);
    CHECK_FALSE(trouble_of(status));
  }
}

TEST_CASE("row 51: five tries, doubling, jitter, Retry-After, and a budget for the host") {
  davit::test::FakeClock clock;
  const RetryRules rules;
  RetryBudget budget;
  SECTION("transient troubles start at 100 ms") {
    Tries tries(rules, budget, clock);
    for (int i = 0; i < 4; ++i) CHECK(tries.again(Trouble::transient, {}, {}).value());
    CHECK_FALSE(tries.again(Trouble::transient, {}, {}).value());
    CHECK(tries.count() == 5);
    CHECK(clock.sleeps() == std::vector<std::chrono::milliseconds>{50ms, 100ms, 200ms, 400ms});
  }
  SECTION("throttling starts at one second, and no wait is longer than twenty") {
    RetryRules many = rules;
    many.most_tries = 9;
    clock.set_random(0.999999);
    Tries tries(many, budget, clock);
    for (int i = 0; i < 8; ++i) CHECK(tries.again(Trouble::throttled, {}, {}).value());
    CHECK(clock.sleeps().front() == 999ms);
    CHECK(clock.sleeps().back() == 19999ms);
  }
  SECTION("the server's wish is a minimum, up to a minute") {
    Tries tries(rules, budget, clock);
    CHECK(tries.again(Trouble::throttled, 7s, {}).value());
    CHECK(tries.again(Trouble::throttled, 60s, {}).value());
    CHECK(clock.sleeps() == std::vector<std::chrono::milliseconds>{7s, 60s});
    CHECK_FALSE(tries.again(Trouble::throttled, 61s, {}).value());
  }
  SECTION("a dead host uses up its budget, a living one gets it back") {
    int granted = 0;
    for (int i = 0; i < 100; ++i) {
      Tries tries(rules, budget, clock);
      if (tries.again(Trouble::transient, {}, {}).value()) ++granted;
    }
    CHECK(granted == 35);  // 500 / 14
    Tries tries(rules, budget, clock);
    CHECK_FALSE(tries.again(Trouble::transient, {}, {}).value());
    for (int i = 0; i < 20; ++i) tries.succeeded();
    CHECK(Tries(rules, budget, clock).again(Trouble::transient, {}, {}).value());
  }
}

TEST_CASE("row 5, row 6: where an upload may go on") {
  const Url registry = Url::parse("https://r.example/").value();
  const UploadTarget here{.url = Url::parse("https://r.example/v2/a/blobs/uploads/").value()};
  const auto next = [&](const char* location) { return next_target(registry, here, location, "10.0.0.1"); };
  CHECK_FALSE(next("https://R.example:443/v2/a/blobs/uploads/1?_state=x").value().foreign);
  CHECK_FALSE(next("1").value().foreign);
  const auto foreign = next("https://store.example/put?sig=x");
  REQUIRE(foreign);
  CHECK(foreign->foreign);
  CHECK(foreign->peers == Peers::remote);
  CHECK(next("http://r.example/v2/x").error().code == Errc::denied);
  CHECK(next("http://r.example/v2/x").error().hint.find("X-Forwarded-Proto") != std::string::npos);
  CHECK(next("http://store.example/x").error().code == Errc::denied);
  CHECK(next("ftp://r.example/x").error().code == Errc::protocol);
  CHECK(next_target(registry, *foreign, "https://r.example/back", "10.0.0.1").value().foreign);
  // A redirect has led away before the first Location: its host may not name a local one either.
  const UploadTarget led_away{.url = Url::parse("https://other.example/x").value(), .foreign = true};
  CHECK(next_target(registry, led_away, "https://third.example/x", "10.0.0.1").value().peers ==
        Peers::remote);
}

TEST_CASE("row 5: a plain registry on loopback may use another loopback port, and nothing else in clear") {
  const Url registry = Url::parse("http://127.0.0.1:5000/").value();
  const UploadTarget here{.url = registry};
  const auto local = next_target(registry, here, "http://127.0.0.1:5001/x", "127.0.0.1");
  REQUIRE(local);
  CHECK(local->foreign);
  CHECK(local->peers == Peers::remote_or_loopback);
  CHECK(next_target(registry, here, "http://r.example/x", "127.0.0.1").error().code == Errc::denied);
  const Url remote = Url::parse("http://r.example/").value();
  CHECK(next_target(remote, {.url = remote}, "http://127.0.0.1:5001/x", "10.0.0.1").error().code ==
        Errc::denied);
}
