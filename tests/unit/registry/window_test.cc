// How many requests wait for their answers at once.
#include "registry/window.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace davit;
using namespace std::chrono_literals;
using registry::Window;

namespace {

const CallContext kContext;

/// A round of requests: so many at once, as far as they are let in, each answered after this time.
void round(Window& window, int wanted, std::chrono::nanoseconds first_byte) {
  const int at_once = std::min(wanted, static_cast<int>(window.size()));
  for (int i = 0; i < at_once; ++i) REQUIRE(window.enter(kContext));
  for (int i = 0; i < at_once; ++i) {
    window.answered(first_byte);
    window.leave();
  }
}

}  // namespace

TEST_CASE("a window is wide open at first, and stays so while all is well") {
  Window window;
  for (int i = 0; i < 50; ++i) round(window, 16, 1ms);
  CHECK(window.size() == Window::kWidest);
}

TEST_CASE("a refusal halves what was in use, once for those that left together, down to one") {
  Window window;
  const auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 16; ++i) REQUIRE(window.enter(kContext));
  for (int i = 0; i < 16; ++i) window.refused(now - 1s, now);
  CHECK(window.size() == 8);
  for (int i = 0; i < 16; ++i) window.leave();
  for (int i = 1; i <= 10; ++i) {
    REQUIRE(window.enter(kContext));
    window.refused(now + i * 1s, now + i * 1s);
    window.leave();
  }
  CHECK(window.size() == 1);
  REQUIRE(window.enter(kContext));  // there is always room for one
}

TEST_CASE("each round of good answers lets one more in") {
  Window window;
  const auto now = std::chrono::steady_clock::now();
  REQUIRE(window.enter(kContext));
  window.refused(now, now);
  window.leave();
  REQUIRE(window.size() == 1);
  int rounds = 0;
  for (; window.size() < 16; ++rounds) round(window, 16, 1ms);
  CHECK(rounds >= 15);
  CHECK(rounds <= 25);
}

TEST_CASE("answers that become much slower narrow the window, though not below four, and only for a while") {
  Window window;
  for (int i = 0; i < 10; ++i) round(window, 16, 20ms);
  round(window, 16, 3s);
  CHECK(window.size() == Window::kWidest);
  round(window, 16, 3s);
  CHECK(window.size() == 12);
  for (int i = 0; i < 5; ++i) round(window, 16, 3s);
  CHECK(window.size() == 4);
  for (int i = 0; i < 200; ++i) round(window, 16, 3s);  // it is slow by nature now
  CHECK(window.size() > 16);
}

TEST_CASE("what is slow from the start, slow once, or quick by a person's measure narrows nothing") {
  Window far;
  for (int i = 0; i < 50; ++i) round(far, 16, 2s);
  CHECK(far.size() == Window::kWidest);

  Window noisy;
  for (int i = 0; i < 50; ++i) {
    round(noisy, 16, 1ms);
    round(noisy, 1, 3s);
  }
  CHECK(noisy.size() == Window::kWidest);

  Window loopback;
  round(loopback, 16, 10us);
  for (int i = 0; i < 50; ++i) round(loopback, 16, 400ms);  // a machine that is busy
  CHECK(loopback.size() == Window::kWidest);

  Window silent;
  round(silent, 16, 1ms);
  for (int i = 0; i < 50; ++i) round(silent, 16, 0ns);  // large transfers say nothing
  CHECK(silent.size() == Window::kWidest);
}

TEST_CASE("never more are inside than the window lets in, and everybody gets in") {
  Window window(3);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        if (!window.enter(kContext)) return;
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        --inside;
        window.leave();
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(most <= 3);
}

TEST_CASE("waiting for a place ends when the caller does") {
  Window window(1);
  REQUIRE(window.enter(kContext));
  std::stop_source stop;
  std::thread waiting([&] {
    const auto entered = window.enter({.stop = stop.get_token()});
    CHECK_FALSE(entered);
    CHECK(entered.error().code == Errc::cancelled);
  });
  stop.request_stop();
  waiting.join();
  const auto late = window.enter({.deadline = std::chrono::steady_clock::now() - 1s});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timeout);
  window.leave();
  CHECK(window.enter(kContext));
}
