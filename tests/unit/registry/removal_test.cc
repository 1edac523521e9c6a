// Tags and manifests are removed, and never more than was asked for.
#include <map>
#include <set>

#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;

namespace {

const CallContext kContext;
const std::string kType = "application/vnd.oci.image.manifest.v1+json";

Manifest image(const std::string& more = "") {
  return Manifest::parse(
             R"({"schemaVersion":2,"mediaType":")" + kType +
                 R"(","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
                 Digest::of("{}").to_string() + R"(","size":2},"layers":[])" + more + "}",
             kType)
      .value();
}

/// A registry with manifests and tags, which treats DELETE in one of several ways.
struct Shelf {
  enum class Deletes { tags, digests_alone, tags_with_images, nothing_at_all, nothing_but_says_so };
  Deletes deletes = Deletes::tags;
  std::map<std::string, Manifest> manifests;
  std::map<std::string, std::string> tags;

  void add(const Manifest& manifest, const std::vector<std::string>& under) {
    const std::string digest = manifest.descriptor().digest.to_string();
    manifests.emplace(digest, manifest);
    for (const std::string& tag : under) tags[tag] = digest;
  }
  void drop(const std::string& digest) {
    manifests.erase(digest);
    std::erase_if(tags, [&](const auto& each) { return each.second == digest; });
  }

  Scripted operator()(const Sent& sent) {
    const std::string name = sent.path.substr(sent.path.rfind('/') + 1);
    const bool by_digest = name.find(':') != std::string::npos;
    if (sent.path.find("/referrers/") != std::string::npos)
      return {.status = 404, .body = "404 page not found"};
    if (sent.method == "PUT") {
      add(Manifest::parse(sent.body, sent.headers.at("Content-Type")).value(),
          by_digest ? std::vector<std::string>() : std::vector{name});
      return {.status = 201};
    }
    const std::string digest = by_digest ? name : tags.contains(name) ? tags[name] : "";
    if (sent.method == "DELETE") {
      if (deletes == Deletes::nothing_at_all) return {.status = 405, .body = errors("UNSUPPORTED")};
      if (deletes == Deletes::nothing_but_says_so) return {.status = 202};
      if (deletes == Deletes::digests_alone && !by_digest)
        return {.status = 400, .body = errors("DIGEST_INVALID")};
      if (!manifests.contains(digest)) return {.status = 404, .body = errors("MANIFEST_UNKNOWN")};
      if (by_digest || deletes == Deletes::tags_with_images) drop(digest);
      tags.erase(name);
      return {.status = 202};
    }
    const auto found = manifests.find(digest);
    if (found == manifests.end()) return {.status = 404, .body = errors("MANIFEST_UNKNOWN")};
    return {.status = 200,
            .headers = {{"Content-Type", found->second.descriptor().media_type}},
            .body = found->second.bytes()};
  }
};

}  // namespace

TEST_CASE("a tag goes, its image and the other tags stay") {
  Shelf shelf;
  shelf.add(image(), {"a", "b"});
  Scene scene(std::ref(shelf));
  REQUIRE(scene.repository->remove_tag("a", image(), kContext));
  CHECK_FALSE(shelf.tags.contains("a"));
  CHECK(shelf.tags.contains("b"));
  CHECK(shelf.manifests.size() == 1);
}

TEST_CASE("where only digests can be deleted a tag is left alone, and that is said") {
  for (const auto how : {Shelf::Deletes::digests_alone, Shelf::Deletes::nothing_at_all}) {
    Shelf shelf{.deletes = how};
    shelf.add(image(), {"a"});
    Scene scene(std::ref(shelf));
    const auto removed = scene.repository->remove_tag("a", image(), kContext);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().code == Errc::unsupported);
    CHECK(removed.error().message.find("cannot delete a tag alone") != std::string::npos);
    CHECK(shelf.tags.contains("a"));
    CHECK(scene.transport.count("DELETE") == 1);
  }
}

TEST_CASE("an image that a registry deletes with its tag is put back under its digest") {
  Shelf shelf{.deletes = Shelf::Deletes::tags_with_images};
  shelf.add(image(), {"a", "b"});
  Scene scene(std::ref(shelf));
  const auto removed = scene.repository->remove_tag("a", image(), kContext);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::unsupported);
  CHECK(shelf.manifests.contains(image().descriptor().digest.to_string()));
}

TEST_CASE("whether the image outlived its tag is not guessed from a failure") {
  Shelf shelf;
  shelf.add(image(), {"a"});
  Scene scene([&](const Sent& sent) {
    if (sent.method != "DELETE" && sent.path.find("/manifests/sha256:") != std::string::npos)
      return Scripted{.status = 403, .body = errors("DENIED")};
    return shelf(sent);
  });
  const auto removed = scene.repository->remove_tag("a", image(), kContext);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::denied);
  CHECK(removed.error().message.find("the tag a is deleted") != std::string::npos);
  CHECK_FALSE(shelf.tags.contains("a"));
}

TEST_CASE("a registry that says it deleted, and did not, is not believed") {
  Shelf shelf{.deletes = Shelf::Deletes::nothing_but_says_so};
  shelf.add(image(), {"a"});
  Scene scene(std::ref(shelf));
  CHECK(scene.repository->remove_tag("a", image(), kContext).error().code == Errc::protocol);
  CHECK(scene.repository->remove_manifest(image(), kContext).error().code == Errc::protocol);
}

TEST_CASE("a deletion whose answer was lost is not a missing image") {
  Shelf shelf;
  shelf.add(image(), {"a"});
  bool lost = false;
  Scene scene([&](const Sent& sent) {
    Scripted answer = shelf(sent);
    if (sent.method == "DELETE" && !std::exchange(lost, true)) answer.lost = true;
    return answer;
  });
  CHECK(scene.repository->remove_manifest(image(), kContext));
  CHECK(shelf.manifests.empty());
  CHECK(scene.transport.count("DELETE") == 1);
}

TEST_CASE("a registry that deletes nothing says so for images too") {
  Shelf shelf{.deletes = Shelf::Deletes::nothing_at_all};
  shelf.add(image(), {"a"});
  Scene scene(std::ref(shelf));
  const auto removed = scene.repository->remove_manifest(image(), kContext);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::unsupported);
  CHECK_FALSE(removed.error().hint.empty());
}

TEST_CASE("a referrer that is deleted leaves the tag's index, the other entries stay") {
  Shelf shelf;
  shelf.add(image(), {"a"});
  const std::string subject = R"(,"subject":{"mediaType":")" + kType + R"(","digest":")" +
                              image().descriptor().digest.to_string() + R"(","size":9})";
  Scene scene(std::ref(shelf));
  const Manifest one = image(R"(,"annotations":{"n":"1"})" + subject);
  const Manifest two = image(R"(,"annotations":{"n":"2"})" + subject);
  for (const Manifest& each : {one, two}) REQUIRE(scene.repository->put_manifest(each, {}, kContext));
  REQUIRE(scene.repository->remove_manifest(one, kContext));
  const auto left = scene.repository->referrers(image().descriptor().digest, kContext);
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().digest == two.descriptor().digest);
}
