#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

#include <unistd.h>
#include <csignal>
#include <cstring>

#include "io/sigpipe.h"
#include "net/address.h"
#include "net/proxy.h"
#include "net/rate_limit.h"
#include "net/redirect.h"
#include "support/catch.h"
#include "support/fake_clock.h"

using davit::Errc;
using davit::net::Peers;
using davit::net::RedirectChain;
using davit::net::Url;

namespace {

bool refused(Peers peers, const char* address) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, address, &v4->sin_addr) == 1)
    v4->sin_family = AF_INET;
  else if (::inet_pton(AF_INET6, address, &v6->sin6_addr) == 1)
    v6->sin6_family = AF_INET6;
  else
    FAIL(address);
  return davit::net::is_refused(peers, reinterpret_cast<const sockaddr&>(storage));
}

Url url(const char* text) {
  return Url::parse(text).value();
}

}  // namespace

TEST_CASE("row 12: local addresses are refused to hosts a server named, whatever the spelling") {
  for (const char* address : {"127.0.0.1",
                              "127.255.255.254",
                              "0.0.0.0",
                              "0.1.2.3",
                              "169.254.169.254",
                              "169.254.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "100.100.100.200",
                              "::1",
                              "::",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "fe80::1",
                              "ff02::1",
                              "fd00:ec2::254",
                              "fd00:ec2::23",
                              "::7f00:1"}) {
    INFO(address);
    CHECK(refused(Peers::remote, address));
    CHECK_FALSE(refused(Peers::any, address));
  }
  for (const char* address : {"8.8.8.8", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "2001:db8::1",
                              "fd00::1", "::ffff:10.0.0.1", "64:ff9b::808:808"}) {
    INFO(address);
    CHECK_FALSE(refused(Peers::remote, address));
  }
}

TEST_CASE("row 12: a registry on loopback may send its readers to loopback, and not to metadata services") {
  CHECK_FALSE(refused(Peers::remote_or_loopback, "127.0.0.1"));
  CHECK_FALSE(refused(Peers::remote_or_loopback, "::1"));
  CHECK(refused(Peers::remote_or_loopback, "169.254.169.254"));
  CHECK(refused(Peers::remote_or_loopback, "0.0.0.0"));
}

TEST_CASE("row 8, row 14: ten redirects are followed, the eleventh is not") {
  RedirectChain chain(url("https://h/0"));
  for (int hop = 1; hop <= 10; ++hop) REQUIRE(chain.next("/" + std::to_string(hop), "10.0.0.1"));
  CHECK(chain.trusted());
  CHECK(chain.current().path() == "/10");
  CHECK(chain.next("/11", "10.0.0.1").error().code == Errc::protocol);
}

TEST_CASE("row 7, row 9: credentials stay with the origin and never come back") {
  RedirectChain chain(url("https://h/a"));
  REQUIRE(chain.next("https://H:443/b", "10.0.0.1"));
  CHECK(chain.trusted());
  CHECK(chain.peers() == Peers::any);
  REQUIRE(chain.next("https://h:444/c", "10.0.0.1"));
  CHECK_FALSE(chain.trusted());
  CHECK(chain.peers() == Peers::remote);
  REQUIRE(chain.next("https://h/d", "10.0.0.1"));
  CHECK_FALSE(chain.trusted());
  CHECK(chain.peers() == Peers::any);  // the very host the user named
}

TEST_CASE("row 4: no redirect leads from https to http or elsewhere") {
  RedirectChain chain(url("https://h/a"));
  CHECK(chain.next("http://h/a", "10.0.0.1").error().code == Errc::denied);
  CHECK_FALSE(RedirectChain(url("https://h/a")).next("ftp://h/a", "10.0.0.1"));
  CHECK_FALSE(RedirectChain(url("https://h/a")).next("", "10.0.0.1"));
  RedirectChain plain(url("http://127.0.0.1:5000/a"));
  REQUIRE(plain.next("http://127.0.0.1:5001/a", "127.0.0.1"));
  CHECK_FALSE(plain.trusted());
  CHECK(plain.peers() == Peers::remote_or_loopback);
}

TEST_CASE("row 42: proxies are chosen by scheme, and NO_PROXY is honoured") {
  const davit::net::ProxyOptions options{
      .http = "http://p:1",
      .https = "http://p:2",
      .all = "http://p:3",
      .none = "corp.example, .dot.example *.star.example 10.0.0.0/8,[2001:db8::]/32,only.example:8443"};
  const auto proxy = [&](const char* text) { return davit::net::proxy_for(url(text), options); };
  CHECK(proxy("http://r.example/") == "http://p:1");
  CHECK(proxy("https://r.example/") == "http://p:2");
  CHECK(davit::net::proxy_for(url("https://r.example/"), {.all = "http://p:3"}) == "http://p:3");
  CHECK(davit::net::proxy_for(url("https://r.example/"), {.http = "http://p:1"}).empty());
  CHECK(davit::net::proxy_for(url("https://r.example/"), {.https = "http://p:1", .none = "*"}).empty());
  for (const char* direct :
       {"https://corp.example/", "https://a.corp.example/", "https://a.dot.example/", "https://dot.example/",
        "https://a.star.example/", "https://10.1.2.3/", "https://only.example:8443/", "https://localhost/",
        "https://127.0.0.1/", "https://[::1]/", "http://169.254.169.254/"}) {
    INFO(direct);
    CHECK(proxy(direct).empty());
  }
  for (const char* through : {"https://xcorp.example/", "https://11.1.2.3/", "https://only.example/",
                              "https://corp.example.evil/"}) {
    INFO(through);
    CHECK_FALSE(proxy(through).empty());
  }
}

TEST_CASE("row 94: SIGPIPE raised while guarded is swallowed, one from before is kept") {
  const auto pending = [] {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGPIPE) == 1;
  };
  {
    const davit::io::SigpipeGuard guard;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    CHECK(::write(ends[1], "x", 1) == -1);  // would end the program without the guard
    CHECK(pending());
    ::close(ends[1]);
  }
  CHECK_FALSE(pending());
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  ::pthread_kill(::pthread_self(), SIGPIPE);
  { const davit::io::SigpipeGuard guard; }
  CHECK(pending());
  const timespec at_once{};
  ::sigtimedwait(&block, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a rate limit books bytes one after the other, forgets idle time, and 0 is none") {
  using namespace std::chrono_literals;
  davit::test::FakeClock clock;
  davit::net::RateLimit limit(1000, clock);
  CHECK(limit.owed(0) == 0ms);
  CHECK(limit.owed(500) == 500ms);
  CHECK(limit.owed(250) == 750ms);  // another exchange waits behind the first
  clock.advance(600ms);
  CHECK(limit.owed(100) == 250ms);
  clock.advance(1h);
  CHECK(limit.owed(2000) == 2s);  // an hour of silence is no credit
  davit::net::RateLimit none(0, clock);
  CHECK(none.owed(1ull << 40) == 0ms);
}
