#include "base/worker_pool.h"

#include <atomic>
#include <stdexcept>

#include "support/catch.h"

TEST_CASE("runs every index once and returns when all are done") {
  davit::WorkerPool pool(4);
  std::atomic<int> calls = 0;
  std::atomic<std::size_t> sum = 0;
  davit::for_each_index(pool, 1000, [&](std::size_t i) {
    ++calls;
    sum += i;
  });
  CHECK(calls == 1000);
  CHECK(sum == 499'500);
}

TEST_CASE("row 95: an exception of a call comes out where the calls were asked for") {
  davit::WorkerPool pool(2);
  std::atomic<int> calls = 0;
  const auto run = [&] {
    davit::for_each_index(pool, 10, [&](std::size_t i) {
      ++calls;
      if (i == 3) throw std::runtime_error("three");
    });
  };
  CHECK_THROWS_AS(run(), std::runtime_error);
  CHECK(calls == 10);
}

TEST_CASE("the destructor runs what is still queued") {
  std::atomic<int> calls = 0;
  {
    davit::WorkerPool pool(2);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++calls; });
  }
  CHECK(calls == 100);
}
