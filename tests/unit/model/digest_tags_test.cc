#include "model/digest_tags.h"

#include "support/catch.h"

using namespace davit;
using model::digest_tag;

TEST_CASE("a digest tag says which image it belongs to", "[tags]") {
  const Digest image = Digest::of("image");
  const auto signature = digest_tag(model::stem_of(image) + ".sig");
  REQUIRE(signature);
  CHECK(signature->subject == image);
  CHECK(signature->ending == ".sig");
  const auto list = digest_tag(model::stem_of(image));
  REQUIRE(list);
  CHECK(list->ending.empty());
  for (const std::string tag : {"1.0", "sha256-abc", "sha256-abc.sig", "latest-x", "-", ""})
    CHECK_FALSE(digest_tag(tag));
}

TEST_CASE("a list of referrers is known by its tag, also where that is cut", "[tags]") {
  const Digest longer = Digest::of("image", Digest::Algorithm::sha512);
  CHECK(model::names_referrers(model::referrers_tag(Digest::of("image"))));
  CHECK(model::referrers_tag(longer) != model::stem_of(longer));
  CHECK(model::names_referrers(model::referrers_tag(longer)));
  CHECK_FALSE(model::names_referrers(model::stem_of(Digest::of("image")) + ".sig"));
  CHECK_FALSE(model::names_referrers("sha512-" + std::string(121, 'x')));
  CHECK_FALSE(model::names_referrers("1.0"));
}
