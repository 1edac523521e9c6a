#include "mirror/names.h"

#include "support/catch.h"

using namespace davit;
using mirror::glob_matches;

TEST_CASE("a star stands for anything without a slash, two for anything", "[mirror]") {
  CHECK(glob_matches("team/*", "team/app"));
  CHECK_FALSE(glob_matches("team/*", "team/app/web"));
  CHECK(glob_matches("team/**", "team/app/web"));
  CHECK(glob_matches("**", "a/b/c"));
  CHECK(glob_matches("*-api", "user-api"));
  CHECK(glob_matches("a*b*c", "a1b2b3c"));
  CHECK_FALSE(glob_matches("a*b*c", "a1b2b3"));
  CHECK(glob_matches("*", ""));
  CHECK_FALSE(glob_matches("", "a"));
  CHECK_FALSE(glob_matches("team", "team/app"));
}

TEST_CASE("a pattern of many stars takes no time to speak of", "[mirror]") {
  std::string stars;
  for (int i = 0; i < 300; ++i) stars += "a*";
  CHECK_FALSE(glob_matches(stars + "b", std::string(1000, 'a')));
}
