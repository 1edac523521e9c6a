#include "mirror/keeping.h"

#include "support/catch.h"

using namespace davit;
using mirror::Doomed;
using mirror::Keeping;

namespace {

constexpr const char* kImage = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";

Manifest image(const std::string& own) {
  const std::string bytes = R"({"schemaVersion":2,"mediaType":")" + std::string(kImage) +
                            R"(","config":{"mediaType":"x/)" + own + R"(","digest":")" +
                            Digest::of("{}").to_string() + R"(","size":2},"layers":[]})";
  return Manifest::parse(bytes, kImage).value();
}

Manifest index(const std::vector<Manifest>& children) {
  std::string list;
  for (const Manifest& child : children) {
    list += (list.empty() ? "" : ",") + (R"({"mediaType":")" + child.descriptor().media_type) +
            R"(","digest":")" + child.descriptor().digest.to_string() + R"(","size":)" +
            std::to_string(child.bytes().size()) + "}";
  }
  return Manifest::parse(
             R"({"schemaVersion":2,"mediaType":")" + std::string(kIndex) + R"(","manifests":[)" + list + "]}",
             kIndex)
      .value();
}

Digest digest(const Manifest& manifest) {
  return manifest.descriptor().digest;
}

}  // namespace

TEST_CASE("what an index that stays lists is needed, at any depth", "[mirror]") {
  const Manifest leaf = image("leaf"), inner = index({leaf}), outer = index({inner}), other = image("other");
  Keeping keeping;
  keeping.learn(outer);
  CHECK(keeping.unknown() == std::vector{digest(inner)});
  keeping.learn(inner);
  CHECK(keeping.unknown().empty());
  CHECK_FALSE(keeping.needs(digest(leaf)));  // nothing stays
  keeping.keep(digest(outer));
  for (const Manifest& each : {outer, inner, leaf}) CHECK(keeping.needs(digest(each)));
  CHECK_FALSE(keeping.needs(digest(other)));
  keeping.keep(digest(other));
  CHECK(keeping.needs(digest(other)));
}

TEST_CASE("what is learnt after an image was kept counts too", "[mirror]") {
  const Manifest leaf = image("leaf"), outer = index({leaf});
  Keeping keeping;
  keeping.keep(digest(outer));
  CHECK_FALSE(keeping.needs(digest(leaf)));
  keeping.learn(outer);
  CHECK(keeping.needs(digest(leaf)));
}

TEST_CASE("an index that the registry has lost is asked for once", "[mirror]") {
  const Manifest inner = index({image("leaf")});
  Keeping keeping;
  keeping.learn(index({inner}));
  keeping.learn_missing(digest(inner));
  CHECK(keeping.unknown().empty());
}

TEST_CASE("an index goes before what it lists, and an image before its signature", "[mirror]") {
  const Manifest leaf = image("leaf"), inner = index({leaf}), outer = index({inner, leaf}),
                 sig = image("sig");
  Keeping keeping;
  for (const Manifest& each : {leaf, inner, outer, sig}) keeping.learn(each);
  const std::string tag = "sha256-" + std::string(digest(leaf).hex()) + ".sig";
  std::vector<Doomed> tags{{tag, sig}, {"a", leaf}, {"b", inner}, {"c", outer}};
  keeping.sort(tags);
  std::vector<std::string> order;
  for (const Doomed& each : tags) order.push_back(each.tag);
  CHECK(order == std::vector<std::string>{"c", "b", "a", tag});
}
