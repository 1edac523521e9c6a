#include "mirror/waves.h"

#include "support/catch.h"

using namespace davit;
using mirror::Freight;
using mirror::waves;
using Waves = std::vector<std::size_t>;

namespace {

Descriptor blob(const std::string& name, std::uint64_t size = 10) {
  return {.media_type = {}, .digest = Digest::of(name), .size = size};
}

Reference place(const std::string& host, const std::string& repository) {
  return {.host = host, .repository = repository, .tag = {}, .digest = {}};
}

}  // namespace

TEST_CASE("images that share nothing go at once", "[mirror]") {
  const std::vector<Descriptor> a{blob("a")}, b{blob("b")};
  CHECK(waves(std::vector<Freight>{{{place("r", "x")}, a}, {{place("r", "y")}, b}}) == Waves{0, 0});
  CHECK(waves({}).empty());
}

TEST_CASE("a blob goes to one repository first and is mounted into the others", "[mirror]") {
  const std::vector<Descriptor> one{blob("base"), blob("1")}, two{blob("base"), blob("2")},
      three{blob("base")};
  CHECK(waves(std::vector<Freight>{
            {{place("r", "x")}, one}, {{place("r", "y")}, two}, {{place("r", "z")}, three}}) ==
        Waves{0, 1, 1});
}

TEST_CASE("the repository that shares most is the first", "[mirror]") {
  const std::vector<Descriptor> small{blob("s", 1)}, all{blob("s", 1), blob("l", 1000)},
      large{blob("l", 1000)};
  CHECK(waves(std::vector<Freight>{
            {{place("r", "x")}, small}, {{place("r", "y")}, all}, {{place("r", "z")}, large}}) ==
        Waves{1, 0, 1});
}

TEST_CASE("images of one repository do not wait for each other", "[mirror]") {
  const std::vector<Descriptor> one{blob("base"), blob("1")}, two{blob("base"), blob("2")};
  CHECK(waves(std::vector<Freight>{{{place("r", "x")}, one}, {{place("r", "x")}, two}}) == Waves{0, 0});
}

TEST_CASE("nothing is mounted from one registry into another", "[mirror]") {
  const std::vector<Descriptor> one{blob("base")};
  CHECK(waves(std::vector<Freight>{{{place("r", "x")}, one}, {{place("s", "y")}, one}}) == Waves{0, 0});
}

TEST_CASE("an image that waits for one is waited for by another", "[mirror]") {
  const std::vector<Descriptor> a{blob("1", 100), blob("2", 1)}, b{blob("1", 100), blob("3", 50)},
      c{blob("3", 50)};
  const Waves found =
      waves(std::vector<Freight>{{{place("r", "a")}, a}, {{place("r", "b")}, b}, {{place("r", "c")}, c}});
  CHECK(found == Waves{1, 0, 1});
}

TEST_CASE("an image for two registries waits for the later one", "[mirror]") {
  const std::vector<Descriptor> first{blob("base", 100)}, second{blob("base", 100), blob("own")};
  CHECK(waves(std::vector<Freight>{{{place("r", "a")}, first},
                                   {{place("r", "b"), place("s", "b")}, second}}) == Waves{0, 1});
}
