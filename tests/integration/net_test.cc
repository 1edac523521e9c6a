// The HTTP transport against servers that misbehave on real sockets.
#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "net/http.h"
#include "net/redirect.h"
#include "support/catch.h"
#include "support/fault_server.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"

using namespace davit;
using namespace davit::test;
using namespace std::chrono_literals;
using net::NetOptions;
using net::Request;
using net::Url;

namespace {

const CallContext kContext;

Url at(const FaultServer& server, const std::string& path, const char* scheme = "http") {
  return Url::parse(std::string(scheme) + "://" + server.authority() + path).value();
}

/// A transport with TLS settings for one host:port.
std::unique_ptr<net::Transport> trusting(const std::string& host_port, net::TlsOptions tls) {
  auto transport = net::make_transport({});
  transport->set_tls(host_port, std::move(tls));
  return transport;
}

/// Bytes made on the spot, as many as asked for.
class Zeros final : public ByteSource {
 public:
  explicit Zeros(std::uint64_t size) : left_(size) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    std::memset(into.data(), 0, count);
    left_ -= count;
    return count;
  }

 private:
  std::uint64_t left_;
};

/// Gives one block and then nothing, until it is told to end.
class Slow final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<std::byte> into) override {
    if (given_) return std::size_t{0};
    given_ = true;
    return std::min<std::size_t>(into.size(), 100);
  }
  bool ready(const std::function<void()>& wake) override {
    const std::lock_guard lock(mutex_);
    if (!given_ || ended_) return true;
    wake_ = wake;
    return false;
  }
  void end() {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      wake.swap(wake_);
    }
    if (wake) wake();
  }

 private:
  std::mutex mutex_;
  bool given_ = false, ended_ = false;
  std::function<void()> wake_;
};

Result<std::string> read_all(ByteSource& source) {
  std::string all;
  std::array<std::byte, 9999> block;
  while (true) {
    auto count = source.read(block);
    if (!count) return count.error();
    if (*count == 0) return all;
    all.append(reinterpret_cast<const char*>(block.data()), *count);
  }
}

}  // namespace

TEST_CASE("row 40: mixed requests on one connection keep their methods, headers and bodies") {
  FaultServer server;
  server.on({.method = "HEAD"}, Reply{.body = "not sent"});
  server.on({}, [](const RecordedRequest& request) { return Reply{.status = 200, .body = request.method}; });
  const auto transport = net::make_transport({});
  Zeros zeros(300'000), more(70'000);
  std::vector<Request> requests(8);
  requests[0] = {.method = "HEAD", .url = at(server, "/0")};
  requests[1] = {
      .method = "POST", .url = at(server, "/1"), .headers = {{"Content-Type", "text/x"}}, .body = "posted"};
  requests[2] = {.method = "PATCH", .url = at(server, "/2"), .source = &zeros};
  requests[3] = {.method = "PUT", .url = at(server, "/3"), .source = &more, .source_size = 70'000};
  requests[4] = {.method = "POST", .url = at(server, "/4")};
  requests[5] = {.method = "GET", .url = at(server, "/5"), .headers = {{"Accept", "a/b"}, {"Accept", "c/d"}}};
  requests[6] = {.method = "DELETE", .url = at(server, "/6")};
  requests[7] = {.method = "PUT", .url = at(server, "/7/../%2e?a=%2F")};
  for (const Request& request : requests) {
    const auto answer = transport->exchange(request, kContext);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == (request.method == "HEAD" ? "" : request.method));
    CHECK(answer->peer == "127.0.0.1");
  }
  const auto seen = server.requests();
  REQUIRE(seen.size() == 8);
  CHECK(server.connections() == 1);
  const std::uint64_t sizes[] = {0, 6, 300'000, 70'000, 0, 0, 0, 0};
  for (std::size_t i = 0; i < 8; ++i) {
    INFO(seen[i].head);
    CHECK(seen[i].method == requests[i].method);
    CHECK(seen[i].body_size == sizes[i]);
    CHECK_FALSE(seen[i].has("Expect"));           // row 78
    CHECK_FALSE(seen[i].has("Accept-Encoding"));  // row 27
    CHECK_FALSE(seen[i].has("Referer"));
    CHECK_FALSE(seen[i].has("TE"));
    CHECK(seen[i].header("User-Agent") == "davit");
  }
  CHECK(seen[1].header("Content-Type") == "text/x");
  CHECK(seen[2].header("Transfer-Encoding") == "chunked");
  CHECK(seen[3].header("Content-Length") == "70000");
  CHECK_FALSE(seen[3].has("Content-Type"));
  CHECK(seen[4].header("Content-Length") == "0");
  CHECK_FALSE(seen[4].has("Content-Type"));
  CHECK_FALSE(seen[5].has("Content-Length"));
  CHECK(seen[7].target == "/7/../%2e?a=%2F");
  CHECK(seen[7].header("Content-Length") == "0");
}

TEST_CASE("row 15: cookies are never sent") {
  FaultServer server;
  server.on({}, Reply{.headers = {{"Set-Cookie", "a=b; Path=/"}}});
  const auto transport = net::make_transport({});
  for (int i = 0; i < 3; ++i) REQUIRE(transport->exchange({.url = at(server, "/")}, kContext));
  for (const auto& request : server.requests()) CHECK_FALSE(request.has("Cookie"));
}

TEST_CASE("row 78: interim answers are passed over, repeated headers are kept") {
  FaultServer server;
  server.on(
      {},
      Reply{.status = 201, .headers = {{"X-A", "1"}, {"x-a", "2"}}, .body = "b", .interim = {100, 102, 103}});
  const auto transport = net::make_transport({});
  const auto answer = transport->exchange({.method = "PUT", .url = at(server, "/"), .body = "x"}, kContext);
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == "b");
  CHECK(answer->headers.all("X-a") == std::vector<std::string>{"1", "2"});
}

TEST_CASE("row 8: a redirect is an answer like any other") {
  FaultServer server;
  server.on({.path = "/from"}, redirect_to("/to", 302));
  const auto answer = net::make_transport({})->exchange({.url = at(server, "/from")}, kContext);
  CHECK(answer.value().status == 302);
  CHECK(answer->headers.get("location") == "/to");
  CHECK(server.requests().size() == 1);
}

TEST_CASE("row 27: an encoded body is handed over as it came") {
  FaultServer server;
  server.on({}, Reply{.headers = {{"Content-Encoding", "gzip, br, unheard-of"}}, .body = "\x1f\x8b raw"});
  CHECK(net::make_transport({})->exchange({.url = at(server, "/")}, kContext).value().body == "\x1f\x8b raw");
}

TEST_CASE("row 87: an early answer ends an upload, whether its source is fast or stuck") {
  FaultServer server;
  server.on({.method = "PUT", .early = 100}, Reply{.status = 413, .body = "no", .after = After::finish});
  server.on({.method = "PATCH", .early = 100}, Reply{.status = 403, .body = "no", .after = After::finish});
  const auto transport = net::make_transport({});
  Zeros big(1ull << 33);  // row 98: more than 32 bits hold
  const auto refused = transport->exchange(
      {.method = "PUT", .url = at(server, "/"), .source = &big, .source_size = 1ull << 33}, kContext);
  REQUIRE(refused);
  CHECK(refused->status == 413);
  CHECK(refused->body == "no");
  CHECK(server.requests()[0].header("Content-Length") == "8589934592");
  Slow stuck;
  const auto denied =
      transport->exchange({.method = "PATCH", .url = at(server, "/"), .source = &stuck}, kContext);
  REQUIRE(denied);
  CHECK(denied->status == 403);
}

TEST_CASE("a slow source is waited for, and does not count as a stall") {
  FaultServer server;
  server.on({}, Reply{.status = 201});
  const auto transport = net::make_transport({.stall_timeout = 50ms});
  Slow slow;
  std::thread later([&] {
    server.wait_until([&] { return server.connections() == 1; });
    std::this_thread::sleep_for(200ms);  // four stall limits; more only makes the test sharper
    slow.end();
  });
  const auto answer =
      transport->exchange({.method = "PATCH", .url = at(server, "/"), .source = &slow}, kContext);
  later.join();
  REQUIRE(answer);
  CHECK(server.requests()[0].body_size == 100);
}

TEST_CASE("a source that fails or ends early breaks the upload off, with its own error") {
  class Broken final : public ByteSource {
   public:
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (given_) return make_error(Errc::local_io, "it broke");
      given_ = true;
      return into.size();
    }

   private:
    bool given_ = false;
  } broken;
  FaultServer server;
  server.on({}, Reply{.status = 201});
  const auto transport = net::make_transport({});
  CHECK(transport
            ->exchange({.method = "PUT", .url = at(server, "/"), .source = &broken, .source_size = 1u << 20},
                       kContext)
            .error()
            .message == "it broke");
  Zeros few(10);
  CHECK(transport
            ->exchange({.method = "PUT", .url = at(server, "/"), .source = &few, .source_size = 11}, kContext)
            .error()
            .code == Errc::corrupt);
  server.wait_until([&] { return server.requests().size() == 2; });
  for (const auto& request : server.requests()) CHECK_FALSE(request.body_complete);
}

TEST_CASE("row 95: a source that throws is an error, not the end of the program") {
  class Throwing final : public ByteSource {
   public:
    Result<std::size_t> read(std::span<std::byte>) override {
      throw std::runtime_error("from the caller's own code");
    }
  } throwing;
  FaultServer server;
  const auto answer = net::make_transport({})->exchange(
      {.method = "PUT", .url = at(server, "/"), .source = &throwing}, kContext);
  CHECK(answer.error().code == Errc::internal);
}

TEST_CASE("row 46, row 47: bodies that end early are errors, whatever said how long they are") {
  FaultServer server;
  server.on({.path = "/length"}, Reply{.body = std::string(1000, 'x'), .cut_at = 999, .after = After::cut});
  server.on(
      {.path = "/chunked"},
      Reply{.body = std::string(1000, 'x'), .framing = Framing::chunked, .cut_at = 500, .after = After::cut});
  server.on({.path = "/reset"}, Reply{.body = std::string(1000, 'x'), .cut_at = 500, .after = After::reset});
  server.on({.path = "/nothing"}, drop_with(After::cut));
  server.on({.path = "/closed"},
            Reply{.body = std::string(1000, 'x'), .framing = Framing::until_close, .after = After::cut});
  const auto transport = net::make_transport({});
  for (const char* path : {"/length", "/chunked", "/reset", "/nothing"}) {
    INFO(path);
    const auto answer = transport->exchange({.url = at(server, path)}, kContext);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::unavailable);
    CHECK(answer.error().retryable);
  }
  CHECK(transport->exchange({.url = at(server, "/closed")}, kContext).value().body.size() == 1000);
}

TEST_CASE("row 73: silence is noticed before the headers, in the body and in the handshake") {
  FaultServer server;
  server.on({.path = "/silent"}, never_answer());
  server.on({.path = "/half"}, Reply{.body = std::string(1000, 'x'), .cut_at = 500, .after = After::hang});
  const auto transport =
      net::make_transport({.connect_timeout = 100ms, .stall_timeout = 100ms, .answer_timeout = 100ms});
  for (const Url& url : {at(server, "/silent"), at(server, "/half"), at(server, "/handshake", "https")}) {
    INFO(url.text());
    const auto answer = transport->exchange({.url = url}, kContext);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().retryable);
  }
}

TEST_CASE("row 73: the answer to a commit may take longer") {
  FaultServer server;
  const auto gate = std::make_shared<Gate>();
  server.on({}, Reply{.status = 201, .gate = gate});
  const auto transport = net::make_transport({.stall_timeout = 50ms, .answer_timeout = 50ms});
  std::thread later([&] {
    server.wait_until([&] { return server.connections() == 1; });
    std::this_thread::sleep_for(200ms);
    gate->open();
  });
  const auto answer = transport->exchange(
      {.method = "PUT", .url = at(server, "/"), .body = "x", .patience = net::Patience::commit}, kContext);
  later.join();
  CHECK(answer.value().status == 201);
}

TEST_CASE("row 84: a stop ends an exchange at every stage") {
  FaultServer server;
  server.on({.path = "/silent"}, never_answer());
  server.on({.path = "/half"}, Reply{.body = std::string(1000, 'x'), .cut_at = 500, .after = After::hang});
  const auto gate = std::make_shared<Gate>();
  const auto transport =
      net::make_transport({.resolver = [gate](const std::string&) -> Result<std::vector<std::string>> {
        while (!gate->is_open()) std::this_thread::sleep_for(1ms);
        return std::vector<std::string>{"127.0.0.1"};
      }});
  const Url resolving =
      Url::parse("http://hangs.example:" + std::to_string(server.address().port) + "/").value();
  const auto mute =
      emulator::listen_on({});  // a server that reads would find a line in some handshakes and answer
  const Url handshake =
      Url::parse("https://" + emulator::local_address(mute).to_string() + "/handshake").value();
  Slow stuck;
  for (const Request& request :
       {Request{.url = at(server, "/silent")}, Request{.url = at(server, "/half")}, Request{.url = handshake},
        Request{.url = resolving},
        Request{.method = "PATCH", .url = at(server, "/silent"), .source = &stuck}}) {
    INFO(request.url.text());
    std::stop_source stop;
    std::thread later([&] {
      std::this_thread::sleep_for(30ms);  // wherever the exchange is by then
      stop.request_stop();
    });
    const auto answer = transport->exchange(request, {.stop = stop.get_token(), .deadline = {}});
    later.join();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::cancelled);
  }
  const auto late = transport->exchange({.url = at(server, "/silent")},
                                        {.stop = {}, .deadline = std::chrono::steady_clock::now() + 30ms});
  CHECK(late.error().code == Errc::timeout);
  gate->open();
}

TEST_CASE("row 16, row 43: certificates are checked per host, without retry and without falling back") {
  const TestCa ca, other;
  const TempDir dir;
  const std::string trusted = dir.write("ca.pem", ca.certificate_pem());
  const auto serve = [](TlsIdentity identity) {
    auto server = std::make_unique<FaultServer>(FaultServerOptions{.tls = std::move(identity)});
    server->on({}, Reply{.body = "secret"});
    return server;
  };
  struct Row {
    const char* name;
    TlsIdentity identity;
  };
  for (const Row& row : {Row{"another authority", other.issue()}, Row{"self-signed", TestCa::self_signed()},
                         Row{"expired", ca.issue({"127.0.0.1"}, {-48, -24})},
                         Row{"not yet valid", ca.issue({"127.0.0.1"}, {24, 48})},
                         Row{"another name", ca.issue({"other.example"})}}) {
    INFO(row.name);
    const auto server = serve(row.identity);
    const auto answer = trusting(server->authority(), {.ca_files = {trusted}})
                            ->exchange({.url = at(*server, "/", "https")}, kContext);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::unavailable);
    CHECK_FALSE(answer.error().retryable);
    CHECK_FALSE(answer.error().hint.empty());
    CHECK(server->requests().empty());
    const auto forced = trusting(server->authority(), {.verify = false})
                            ->exchange({.url = at(*server, "/", "https")}, kContext);
    CHECK(forced);
  }
  const auto good = serve(ca.issue()), second = serve(ca.issue());
  const auto transport = trusting(good->authority(), {.ca_files = {trusted}});
  CHECK(transport->exchange({.url = at(*good, "/", "https")}, kContext).value().body == "secret");
  CHECK(transport->exchange({.url = at(*good, "/", "https")}, kContext).value().body == "secret");
  CHECK(good->connections() == 1);
  CHECK(trusting(good->authority(), {.ca_files = {ca.certificate_pem()}})  // the text itself
            ->exchange({.url = at(*good, "/", "https")}, kContext));
  CHECK(trusting(good->authority(), {.ca_files = {"-----BEGIN CERTIFICATE-----\nx"}})
            ->exchange({.url = at(*good, "/", "https")}, kContext)
            .error()
            .code == Errc::local_io);
  CHECK_FALSE(transport->exchange({.url = at(*second, "/", "https")}, kContext));  // trust is not inherited
  CHECK(net::make_transport({.ca_files = {trusted}})->exchange({.url = at(*second, "/", "https")}, kContext));
  CHECK(net::make_transport({.system_ca_file = trusted})
            ->exchange({.url = at(*second, "/", "https")}, kContext));
  const auto listener = emulator::listen_on({});
  std::thread plain([&] {
    Stream stream(emulator::Fd(::accept(listener.get(), nullptr, nullptr)));
    stream.write_all("HTTP/1.1 400 Bad Request\r\n\r\n");
    stream.finish();
  });
  const auto mistaken = net::make_transport({})->exchange(
      {.url = Url::parse("https://" + emulator::local_address(listener).to_string() + "/").value()},
      kContext);
  plain.join();
  REQUIRE_FALSE(mistaken);
  CHECK_FALSE(mistaken.error().retryable);
  CHECK(mistaken.error().hint.find("plain http") != std::string::npos);
  CHECK(net::make_transport({.ca_files = {dir.path() / "absent.pem"}})
            ->exchange({.url = at(*good, "/", "https")}, kContext)
            .error()
            .code == Errc::local_io);
}

TEST_CASE("row 16: a server that speaks nothing newer than TLS 1.0 is refused") {
  const auto listener = emulator::listen_on({});
  std::string said;
  std::thread old([&] {
    Stream stream(emulator::Fd(::accept(listener.get(), nullptr, nullptr)));
    std::array<char, 4096> block;
    stream.read_some(block.data(), block.size());  // the ClientHello
    // A ServerHello of version 3.1, with a cipher of its time.
    std::string hello("\x02\x00\x00\x26\x03\x01", 6);
    hello += std::string(32, 'r') + std::string("\x00\x00\x2f\x00", 4);
    stream.write_all(std::string("\x16\x03\x01\x00\x2a", 5) + hello);
    while (const std::size_t count = stream.read_some(block.data(), block.size()))
      said.append(block.data(), count);
  });
  const auto answer = net::make_transport({})->exchange(
      {.url = Url::parse("https://" + emulator::local_address(listener).to_string() + "/").value()},
      kContext);
  old.join();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::unavailable);
  CHECK_FALSE(answer.error().retryable);
  CHECK(answer.error().hint.find("version of TLS") != std::string::npos);
  REQUIRE(said.size() == 7);  // an alert, and nothing else
  CHECK(said[0] == 0x15);
  CHECK(said[6] == 70);  // protocol_version
}

TEST_CASE("row 94: a TLS server that goes away during an upload costs no SIGPIPE") {
  const TestCa ca;
  FaultServer server(FaultServerOptions{.tls = ca.issue()});
  server.on({.early = 1000}, drop_with(After::reset));
  const auto transport = trusting(server.authority(), {.verify = false});
  for (int i = 0; i < 5; ++i) {
    Zeros big(64u << 20);
    const auto answer = transport->exchange(
        {.method = "PUT", .url = at(server, "/", "https"), .source = &big, .source_size = 64u << 20},
        kContext);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().retryable);
  }
}

TEST_CASE("row 12: a host that a server named may not be local, however it is spelled") {
  FaultServer server;
  server.on({}, Reply{.body = "local"});
  const std::string port = std::to_string(server.address().port);
  const auto transport =
      net::make_transport({.resolver = [](const std::string& host) -> Result<std::vector<std::string>> {
        return std::vector<std::string>{host == "meta.example" ? "169.254.169.254" : "127.0.0.1"};
      }});
  for (const char* host : {"inside.example", "127.0.0.1", "2130706433", "0x7f.1", "localhost", "meta.example",
                           "[::ffff:127.0.0.1]"}) {
    INFO(host);
    const auto answer =
        transport->exchange({.url = Url::parse("http://" + std::string(host) + ":" + port + "/").value(),
                             .peers = net::Peers::remote},
                            kContext);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::denied);
  }
  CHECK(server.requests().empty());
  const Url named = Url::parse("http://inside.example:" + port + "/").value();
  CHECK(transport->exchange({.url = named}, kContext).value().body == "local");
  CHECK(transport->exchange({.url = named, .peers = net::Peers::remote_or_loopback}, kContext));
  CHECK_FALSE(transport->exchange({.url = named, .peers = net::Peers::remote},
                                  kContext));  // not on the warm connection either
}

TEST_CASE("row 72: a name that does not exist is final, a resolver in trouble is not") {
  for (const bool temporary : {true, false}) {
    const auto transport = net::make_transport(
        {.resolver = [temporary](const std::string& host) -> Result<std::vector<std::string>> {
          Error error = make_error(Errc::unavailable, "resolve " + host + ": no");
          error.retryable = temporary;
          return error;
        }});
    const auto answer = transport->exchange({.url = Url::parse("http://r.example/").value()}, kContext);
    CHECK(answer.error().code == Errc::unavailable);
    CHECK(answer.error().retryable == temporary);
  }
}

TEST_CASE("row 42: proxies get their own credentials and nobody else's") {
  FaultServer proxy;
  proxy.on({.method = "CONNECT"}, Reply{.status = 403});
  proxy.on({}, Reply{.body = "through"});
  const std::string address = "http://user:PROXYPASS@" + proxy.authority();
  const auto transport =
      net::make_transport({.proxy = {.http = address, .https = address, .none = "direct.example"},
                           .resolver = [](const std::string&) -> Result<std::vector<std::string>> {
                             return make_error(Errc::unavailable, "not to be asked");
                           }});
  const std::vector<net::Header> secret = {{"Authorization", "Bearer REGISTRY"}};
  CHECK(transport->exchange({.url = Url::parse("http://r.example/x").value(), .headers = secret}, kContext)
            .value()
            .body == "through");
  const auto tunnel =
      transport->exchange({.url = Url::parse("https://r.example/x").value(), .headers = secret}, kContext);
  REQUIRE_FALSE(tunnel);
  CHECK(tunnel.error().message.find("PROXYPASS") == std::string::npos);
  CHECK_FALSE(transport->exchange({.url = Url::parse("http://direct.example/").value()}, kContext));
  const auto seen = proxy.requests();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].target == "http://r.example/x");
  CHECK(seen[0].has("Proxy-Authorization"));
  CHECK(seen[1].method == "CONNECT");
  CHECK(seen[1].has("Proxy-Authorization"));
  CHECK_FALSE(seen[1].has("Authorization"));
}

TEST_CASE("row 23: headers and bodies have limits") {
  FaultServer server;
  server.on({.path = "/headers"}, [](const RecordedRequest&) {
    Reply reply;
    for (int i = 0; i < 40; ++i) reply.headers.push_back({"X-Long", std::string(9000, 'x')});
    return reply;
  });
  server.on({.path = "/body"}, Reply{.body = std::string(1000, 'x')});
  const auto transport = net::make_transport({});
  CHECK(transport->exchange({.url = at(server, "/headers")}, kContext).error().code == Errc::protocol);
  CHECK(transport->exchange({.url = at(server, "/body"), .answer_limit = 1000}, kContext));
  CHECK(transport->exchange({.url = at(server, "/body"), .answer_limit = 999}, kContext).error().code ==
        Errc::protocol);
}

TEST_CASE("a header value with a line break is refused before anything is sent") {
  FaultServer server;
  const auto answer =
      net::make_transport({})->exchange({.url = at(server, "/"), .headers = {{"X", "a\r\nY: b"}}}, kContext);
  CHECK(answer.error().code == Errc::invalid_argument);
  CHECK(server.connections() == 0);
}

TEST_CASE("a connection that the server closes meanwhile is replaced, or the loss is worth another try") {
  FaultServer server;
  server.on({}, Reply{.status = 201, .after = After::cut});
  const auto transport = net::make_transport({});
  for (int good = 0; good < 4;) {
    Zeros body(100'000);
    const auto answer = transport->exchange(
        {.method = "PUT", .url = at(server, "/"), .source = &body, .source_size = 100'000}, kContext);
    if (!answer) REQUIRE(answer.error().retryable);  // the FIN came after the request had left
    good += answer.has_value();
  }
  CHECK(server.requests().size() >= 4);
}

TEST_CASE("row 97: many threads share a transport") {
  FaultServer server;
  server.on({.path = "/big"}, Reply{.body = std::string(600'000, 'x')});
  server.on({}, [](const RecordedRequest& request) { return Reply{.body = request.target}; });
  const auto transport = net::make_transport({});
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        const std::string path = "/" + std::to_string(t) + "-" + std::to_string(i);
        const auto answer = transport->exchange({.url = at(server, path)}, kContext);
        const auto big = transport->open({.url = at(server, "/big")}, kContext);
        good += answer && answer->body == path && big && read_all(**big).value_or("").size() == 600'000;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 128);
  CHECK(server.connections() <= 16);
}

TEST_CASE("a download that is given up drops its connection, and the next request gets another") {
  FaultServer server;
  server.on({.path = "/big"}, Reply{.body = std::string(8u << 20, 'x')});
  server.on({}, Reply{.body = "next"});
  const auto transport = net::make_transport({});
  {
    const auto big = transport->open({.url = at(server, "/big")}, kContext);
    REQUIRE(big);
    std::array<std::byte, 100> block;
    CHECK((*big)->read(block).value() == 100);
  }
  CHECK(transport->exchange({.url = at(server, "/")}, kContext).value().body == "next");
  CHECK(server.connections() == 2);
}
