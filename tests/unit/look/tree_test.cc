#include <davit/tree.h>

#include "support/catch.h"
#include "support/memory_store.h"

using namespace davit;
using test::add_image;
using test::add_index;
using test::entry;
using test::for_platform;
using test::MemoryStore;
using Kind = TreeNode::Kind;

TEST_CASE("a tree has the images of an index, their blobs and what refers to them") {
  MemoryStore store;
  const Manifest amd64 = add_image(store, {"shared", "a"});
  const Manifest arm64 = add_image(store, {"shared", "b"}, "arm64");
  const Manifest index = add_index(store, {entry(amd64.descriptor(), for_platform("amd64")),
                                           entry(arm64.descriptor(), for_platform("arm64"))});
  const Manifest sbom = test::add_artifact(store, amd64.descriptor(), "application/spdx+json", "sbom");
  const Manifest signature = test::add_artifact(store, sbom.descriptor(), "application/signature", "signed");
  const auto root = tree(store, index.descriptor(), {}, {});
  REQUIRE(root);
  CHECK(root->kind == Kind::index);
  REQUIRE(root->children.size() == 2);
  CHECK(root->referrers.empty());
  const TreeNode& first = root->children[0];
  CHECK(first.kind == Kind::image);
  CHECK(first.descriptor.platform->to_string() == "linux/amd64");
  REQUIRE(first.children.size() == 3);
  CHECK(first.children[0].kind == Kind::config);
  CHECK(first.children[1].kind == Kind::layer);
  CHECK(first.children[1].total == 6);
  REQUIRE(first.referrers.size() == 1);
  CHECK(first.referrers[0].kind == Kind::artifact);
  CHECK(first.referrers[0].artifact_type == "application/spdx+json");
  REQUIRE(first.referrers[0].referrers.size() == 1);
  CHECK(first.referrers[0].referrers[0].descriptor.digest == signature.descriptor().digest);

  const std::uint64_t images = amd64.bytes().size() + arm64.bytes().size() + amd64.config()->size +
                               arm64.config()->size + 6 + 1 + 1;  // the shared layer counts once
  CHECK(root->total == index.bytes().size() + images);
  CHECK(store.asked("blob") == 0);

  const auto bare = tree(store, index.descriptor(), {.referrers = false}, {});
  REQUIRE(bare);
  CHECK(bare->children[0].referrers.empty());
}

TEST_CASE("what an index lists although it is not there is missing, and the rest is shown") {
  MemoryStore store;
  const Manifest amd64 = add_image(store, {"a"});
  const Manifest arm64 = add_image(store, {"b"}, "arm64");
  const Manifest index = add_index(store, {entry(amd64.descriptor()), entry(arm64.descriptor())});
  store.manifests.erase(amd64.descriptor().digest.to_string());
  const auto root = tree(store, index.descriptor(), {}, {});
  REQUIRE(root);
  CHECK(root->children[0].missing);
  CHECK(root->children[0].children.empty());
  CHECK_FALSE(root->children[1].missing);
  CHECK(root->children[1].children.size() == 2);
}

TEST_CASE("a root that is not there is an error") {
  MemoryStore store;
  const Manifest image = add_image(store, {"a"});
  store.manifests.clear();
  const auto root = tree(store, image.descriptor(), {}, {});
  REQUIRE_FALSE(root);
  CHECK(root.error().code == Errc::not_found);
}

TEST_CASE("an index that lists the same index many times, many levels deep, stays small") {
  MemoryStore store;
  Descriptor below = add_image(store, {"a"}).descriptor();
  for (int level = 0; level < 12; ++level)
    below = add_index(store, std::vector<std::string>(50, entry(below))).descriptor();
  const auto root = tree(store, below, {}, {});
  REQUIRE(root);
  CHECK(root->children.size() == 50);
  CHECK_FALSE(root->children[0].repeated);
  CHECK(root->children[1].repeated);
  CHECK(root->children[1].children.empty());
  CHECK(root->children[1].total == root->children[0].total);
  CHECK(store.asked("manifest") == 13);
}

TEST_CASE("indexes that are nested without end are refused") {
  MemoryStore store;
  Descriptor below = add_image(store, {"a"}).descriptor();
  for (int level = 0; level < 20; ++level) below = add_index(store, {entry(below)}).descriptor();
  const auto root = tree(store, below, {}, {});
  REQUIRE_FALSE(root);
  CHECK(root.error().code == Errc::corrupt);
}
