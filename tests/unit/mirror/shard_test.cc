#include "mirror/shard.h"

#include <array>

#include "support/catch.h"

using namespace davit;
using mirror::belongs;

TEST_CASE("every image is in exactly one part", "[mirror]") {
  constexpr std::size_t kParts = 5;
  std::array<int, kParts> sizes{};
  for (int i = 0; i < 1000; ++i) {
    const Digest digest = Digest::of("image " + std::to_string(i));
    int owners = 0;
    for (std::size_t part = 0; part < kParts; ++part) {
      const bool here = belongs({.index = part, .count = kParts}, "r.example/app", digest);
      owners += here ? 1 : 0;
      sizes[part] += here ? 1 : 0;
    }
    CHECK(owners == 1);
  }
  for (const int size : sizes) CHECK((size > 120 && size < 280));
}

TEST_CASE("the same image of two repositories may be in two parts", "[mirror]") {
  const Digest digest = Digest::of("image");
  int different = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "r.example/app" + std::to_string(i);
    different += belongs({.index = 0, .count = 2}, name, digest) ? 1 : 0;
  }
  CHECK((different > 10 && different < 40));
  CHECK(belongs({}, "r.example/app", digest));
}

TEST_CASE("the parts are the same on every machine", "[mirror]") {
  // A change here moves images between the parts of mirrors that run.
  const Digest digest = Digest::parse("sha256:" + std::string(64, 'a')).value();
  std::string drawn;
  for (const char* name :
       {"r.example/a", "r.example/b", "r.example/c", "r.example/d", "r.example/e", "r.example/f"})
    drawn += belongs({.index = 0, .count = 2}, name, digest) ? '0' : '1';
  CHECK(drawn == "110110");
}
