#include "model/target_name.h"

#include "support/catch.h"

using namespace davit;
using model::fill_target;

TEST_CASE("a target is filled from its source", "[model]") {
  const Reference source{.host = "localhost:5000", .repository = "team/app", .tag = {}, .digest = {}};
  CHECK(fill_target("r.example/mirror/{repo}", source).value() == "r.example/mirror/team/app");
  CHECK(fill_target("r.example/{registry}/{name}", source).value() == "r.example/localhost-5000/app");
  CHECK(fill_target("r.example/fixed", source).value() == "r.example/fixed");
  for (const char* wrong : {"r/{tag}", "r/{repo", "r/{}"}) {
    const auto refused = fill_target(wrong, source);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
  }
}
