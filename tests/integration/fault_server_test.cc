#include "support/fault_server.h"

#include <davit/digest.h>

#include "support/catch.h"
#include "support/process.h"
#include "support/temp_dir.h"

using namespace davit::test;
using namespace std::chrono_literals;

namespace {

/// Sends bytes as they are and returns everything until the server closes.
std::string talk(const FaultServer& server, const std::string& request) {
  Stream stream(davit::emulator::connect_to(server.address()));
  if (!stream.write_all(request))
    return "cannot be written to";  // also called on other threads than the test's
  std::string answer;
  std::array<char, 4096> block{};
  while (const std::size_t n = stream.read_some(block.data(), block.size())) answer.append(block.data(), n);
  return answer;
}

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
}

ProcessResult curl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"curl", "-sS", "-H", "Expect:", "--noproxy", "*"});
  return run({.argv = std::move(arguments), .deadline = 20s});
}

constexpr int kCurlPartialFile = 18;
constexpr int kCurlNothingReceived = 52;
constexpr int kCurlReceiveError = 56;

}  // namespace

TEST_CASE("a request is recorded byte for byte") {
  FaultServer server;
  server.on({.method = "PUT"}, Reply{.status = 201, .body = "made"});
  const std::string request =
      "PUT /a%2fb/../c?x=1 HTTP/1.1\r\nhOsT:  here\r\nContent-Length: 5\r\nConnection: close\r\nX-A: "
      "1\r\nX-A: 2\r\n\r\nhello";
  const auto answer = talk(server, request);
  CHECK(answer.starts_with("HTTP/1.1 201 "));
  CHECK(answer.ends_with("\r\n\r\nmade"));
  const auto all = server.requests();
  REQUIRE(all.size() == 1);
  CHECK(all[0].method == "PUT");
  CHECK(all[0].target == "/a%2fb/../c?x=1");
  CHECK(all[0].head + all[0].body == request);
  CHECK(all[0].header("host") == "here");
  CHECK(all[0].headers.size() == 5);
  CHECK(all[0].body_complete);
  CHECK(all[0].body_sha256 == davit::Digest::of("hello").hex());
  CHECK(all[0].answered_status == 201);
}

TEST_CASE("several requests share a connection, chunked bodies are decoded") {
  FaultServer server;
  server.on({}, Reply{.body = "ok"});
  const auto answer =
      talk(server,
           "PATCH /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n" +
               get("/2"));
  CHECK(answer.find("HTTP/1.1 200", 10) != std::string::npos);
  const auto all = server.requests();
  REQUIRE(all.size() == 2);
  CHECK(all[0].body == "abcdefg");
  CHECK(all[0].connection == all[1].connection);
  CHECK(server.connections() == 1);
}

TEST_CASE("rules match by method, path and count, in the order they were added") {
  FaultServer server;
  server.on({.method = "GET", .path = "/v2/", .to = 2}, Reply{.status = 503});
  server.on({.path = "/v2/", .from = 4}, Reply{.status = 410});
  server.on({.path = "/v2/"},
            [](const RecordedRequest& r) { return Reply{.status = 200, .body = r.target}; });
  std::vector<std::string> statuses;
  for (int i = 0; i < 4; ++i) statuses.push_back(talk(server, get("/v2/x")).substr(9, 3));
  CHECK(statuses == std::vector<std::string>{"503", "503", "200", "410"});
  CHECK(talk(server, get("/else")).substr(9, 3) == "404");
}

TEST_CASE("bodies are cut, lied about and left without a length") {
  FaultServer server;
  const std::string body(1000, 'b');
  server.on({.path = "/fin"}, Reply{.body = body, .cut_at = 500});
  server.on({.path = "/rst"}, Reply{.body = body, .cut_at = 500, .after = After::reset});
  server.on({.path = "/lie"}, Reply{.body = body, .content_length = "2000", .after = After::cut});
  server.on({.path = "/1.0"}, Reply{.body = body, .framing = Framing::until_close});
  server.on({.path = "/chunked"}, Reply{.body = body, .framing = Framing::chunked});
  server.on({.path = "/torn"}, Reply{.body = body, .framing = Framing::chunked, .cut_at = 1000});
  server.on({.path = "/drop"}, drop_with(After::cut));
  server.on({.path = "/kick"}, drop_with(After::reset));
  const auto fetch = [&](const std::string& path) { return curl({"http://" + server.authority() + path}); };
  CHECK(fetch("/fin").exit_code == kCurlPartialFile);
  CHECK(fetch("/fin").out.size() == 500);
  CHECK(fetch("/rst").exit_code == kCurlReceiveError);
  CHECK(fetch("/lie").exit_code == kCurlPartialFile);
  CHECK(fetch("/1.0").out == body);
  CHECK(fetch("/chunked").out == body);
  CHECK(fetch("/torn").exit_code == kCurlPartialFile);
  CHECK(fetch("/drop").exit_code == kCurlNothingReceived);
  CHECK(fetch("/kick").exit_code == kCurlReceiveError);
  CHECK(server.requests("GET", "/fin")[0].answered_bytes == 500);
}

TEST_CASE("an early answer comes before the body has been read") {
  FaultServer server;
  server.on({.method = "PUT", .path = "/polite", .early = 65536},
            Reply{.status = 413, .body = "too much", .after = After::finish});
  server.on({.method = "PUT", .path = "/keep", .early = 0}, Reply{.status = 401});
  server.on({.method = "PUT", .path = "/rude", .early = 10}, drop_with(After::reset));
  const TempDir dir;
  const auto file = dir.write("body", std::string(8u << 20, 'z')).string();
  const auto polite = curl({"-T", file, "http://" + server.authority() + "/polite"});
  CHECK(polite.out == "too much");
  CHECK_FALSE(server.requests("PUT", "/polite")[0].body_complete);
  CHECK(server.requests("PUT", "/polite")[0].body_size == 65536);
  const auto kept = curl({"-w", "%{http_code}", "-T", file, "http://" + server.authority() + "/keep"});
  CHECK(kept.out == "401");
  CHECK(curl({"-T", file, "http://" + server.authority() + "/rude"}).exit_code != 0);
}

TEST_CASE("an answer waits until told, and interim answers come first") {
  FaultServer server;
  const auto gate = std::make_shared<Gate>();
  server.on({.path = "/held"}, Reply{.body = "now", .interim = {100, 103}, .gate = gate});
  std::string answer;
  std::thread client([&] { answer = talk(server, get("/held")); });
  CHECK(server.wait_until([&] { return server.requests().size() == 1; }));
  CHECK(server.requests()[0].answered_status == 0);
  gate->open();
  client.join();
  CHECK(answer.starts_with("HTTP/1.1 100 Interim\r\n\r\nHTTP/1.1 103 Interim\r\n\r\nHTTP/1.1 200"));
}

TEST_CASE("the server can be stopped while it never answers") {
  std::thread client;
  {
    FaultServer server;
    server.on({}, never_answer());
    client = std::thread([&, address = server.address()] {
      Stream stream(davit::emulator::connect_to(address));
      std::array<char, 10> block{};
      if (stream.write_all(get("/"))) stream.read_some(block.data(), block.size());
    });
    CHECK(server.wait_until([&] { return server.requests().size() == 1; }));
  }
  client.join();
}

TEST_CASE("further listeners are other hosts, told apart in the record") {
  FaultServer server;
  const auto other = server.also_listen({"127.0.0.2", 0});
  server.on({.host = "127.0.0.2"}, Reply{.body = "other"});
  server.on({.path = "/go"}, redirect_to("http://" + other.to_string() + "/there"));
  const auto result = curl({"-L", "http://" + server.authority() + "/go"});
  CHECK(result.out == "other");
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].host.host == "127.0.0.2");
  CHECK(server.requests()[1].target == "/there");
}

TEST_CASE("TLS with a certificate of the test CA") {
  const TestCa ca;
  const TempDir dir;
  const auto trusted = dir.write("ca.pem", ca.certificate_pem()).string();
  FaultServer server({.tls = ca.issue()});
  server.on({.path = "/cut"}, Reply{.body = std::string(100, 'x'), .cut_at = 50});
  server.on({}, Reply{.body = "secret"});
  const std::string url = "https://" + server.authority();
  CHECK(curl({"--cacert", trusted, url + "/"}).out == "secret");
  CHECK(curl({url + "/"}).exit_code == 60);
  CHECK(curl({"--cacert", trusted, url + "/cut"}).exit_code != 0);
  FaultServer expired({.tls = ca.issue({"127.0.0.1"}, {.from_hours = -48, .to_hours = -24})});
  CHECK(curl({"--cacert", trusted, "https://" + expired.authority() + "/"}).exit_code == 60);
  FaultServer elsewhere({.tls = ca.issue({"elsewhere.test"})});
  CHECK(curl({"--cacert", trusted, "https://" + elsewhere.authority() + "/"}).exit_code == 60);
}

TEST_CASE("a proxy forwards, modifies, and loses answers after the upstream has acted") {
  FaultServer upstream;
  upstream.on({.path = "/plain"}, Reply{.headers = {{"X-Up", "1"}}, .body = "from upstream"});
  upstream.on({.path = "/chunked"}, Reply{.body = std::string(300'000, 'c'), .framing = Framing::chunked});
  upstream.on({.method = "PUT"}, Reply{.status = 201});
  FaultServer proxy({.upstream = upstream.address(), .round_trip = 1ms, .bytes_per_second = 100'000'000});
  proxy.on({.path = "/plain", .from = 2, .to = 2},
           Reply{.status = 0, .headers = {{"X-Up", "2"}}, .cut_at = 4, .forward = true});
  proxy.on({.method = "PUT", .path = "/lost"}, forwarded_but_answer_lost());
  const std::string base = "http://" + proxy.authority();

  CHECK(curl({"-i", base + "/plain"}).out.find("X-Up: 1\r\n") != std::string::npos);
  const auto cut = curl({"-i", base + "/plain"});
  CHECK(cut.out.find("X-Up: 2\r\n") != std::string::npos);
  CHECK(cut.out.ends_with("\r\n\r\nfrom"));
  CHECK(cut.exit_code == kCurlPartialFile);
  CHECK(curl({base + "/chunked"}).out == std::string(300'000, 'c'));
  CHECK(curl({"-I", base + "/plain"}).out.find("Content-Length: 13") != std::string::npos);

  const TempDir dir;
  const std::string bytes(3u << 20, 'q');
  const auto file = dir.write("body", bytes).string();
  CHECK(curl({"-T", file, base + "/kept"}).exit_code == 0);
  CHECK(curl({"-T", file, "-H", "Transfer-Encoding: chunked", base + "/kept"}).exit_code == 0);
  CHECK(curl({"-T", file, base + "/lost"}).exit_code == kCurlNothingReceived);
  const auto stored = upstream.requests("PUT");
  REQUIRE(stored.size() == 3);
  for (const auto& request : stored) CHECK(request.body_sha256 == davit::Digest::of(bytes).hex());
  CHECK(proxy.requests("PUT", "/lost")[0].answered_status == 0);
}
