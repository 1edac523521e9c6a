#include <davit/inspect.h>

#include "support/catch.h"
#include "support/memory_store.h"

using namespace davit;
using test::add_image;
using test::add_index;
using test::entry;
using test::for_platform;
using test::MemoryStore;

TEST_CASE("inspecting an image reads its manifest and its config") {
  const auto store = std::make_shared<MemoryStore>();
  const Manifest image = add_image(*store, {"one", "three"});
  const auto found = inspect(store, image.descriptor(), {}, {});
  REQUIRE(found);
  REQUIRE(found->details);
  CHECK(found->details->platform.to_string() == "linux/amd64");
  CHECK(Digest::of(found->config) == image.config()->digest);
  CHECK(stored_size(*found->image) == found->config.size() + 8);
  CHECK(store->asked("manifest") == 1);
  CHECK(store->asked("blob") == 1);
  CHECK(store->asked("size") + store->asked("referrers") == 0);
}

TEST_CASE("inspecting an index reads only the image of the platform that is looked at") {
  const auto store = std::make_shared<MemoryStore>();
  const Manifest amd64 = add_image(*store, {"a"});
  const Manifest arm64 = add_image(*store, {"b"}, "arm64");
  const Manifest index = add_index(*store, {entry(amd64.descriptor(), for_platform("amd64")),
                                            entry(arm64.descriptor(), for_platform("arm64"))});
  const auto found =
      inspect(store, index.descriptor(), {.platform = Platform::parse("linux/arm64").value()}, {});
  REQUIRE(found);
  REQUIRE(found->image);
  CHECK(found->image->descriptor().digest == arm64.descriptor().digest);
  REQUIRE(found->images.size() == 2);
  CHECK_FALSE(found->images[0].size);
  CHECK(found->images[1].size == stored_size(arm64));
  CHECK(store->asked("manifest " + amd64.descriptor().digest.to_string()) == 0);
  CHECK(store->asked("blob") == 1);

  const auto sizes = inspect(store, index.descriptor(), {.platform = {}, .sizes = true}, {});
  REQUIRE(sizes);
  CHECK(sizes->images[0].size == stored_size(amd64));
  CHECK(sizes->images[1].size == stored_size(arm64));
}

TEST_CASE("an index without an image for the platform is still described") {
  const auto store = std::make_shared<MemoryStore>();
  const Manifest amd64 = add_image(*store, {"a"});
  const Manifest index = add_index(*store, {entry(amd64.descriptor(), for_platform("amd64"))});
  const auto found =
      inspect(store, index.descriptor(), {.platform = Platform::parse("linux/s390x").value()}, {});
  REQUIRE(found);
  CHECK_FALSE(found->image);
  CHECK_FALSE(found->details);
  CHECK(found->images.size() == 1);
}

TEST_CASE("an artifact has no details, and its config is not read") {
  const auto store = std::make_shared<MemoryStore>();
  const Manifest image = add_image(*store, {"a"});
  const Manifest artifact = test::add_artifact(*store, image.descriptor(), "application/spdx+json", "sbom");
  const auto found = inspect(store, artifact.descriptor(), {}, {});
  REQUIRE(found);
  CHECK_FALSE(found->details);
  CHECK(artifact_type_of(*found->image) == "application/spdx+json");
  CHECK_FALSE(is_container_image(*found->image));
  CHECK(store->asked("blob") == 0);
}

TEST_CASE("a config with other bytes than its digest is corrupt") {
  const auto store = std::make_shared<MemoryStore>();
  const Manifest image = add_image(*store, {"a"});
  store->blobs[image.config()->digest][0] = ' ';
  const auto found = inspect(store, image.descriptor(), {}, {});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::corrupt);
}
