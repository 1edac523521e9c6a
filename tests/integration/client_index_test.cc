// Indexes over images from anywhere: what is put, what is asked, what happens when somebody else moves the
// tag.

#include <davit/davit.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "emulator/registry.h"
#include "model/media_type.h"
#include "model/write_manifest.h"
#include "push_fixture.h"
#include "support/catch.h"
#include "support/fault_server.h"
#include "support/save_archive.h"
#include "support/temp_dir.h"

using namespace davit;
using davit::test::quick;
using davit::test::TempDir;
using Registry = emulator::Registry;

namespace {

std::string config_for(const std::string& architecture, const std::string& layer) {
  return R"({"architecture":")" + architecture + R"(","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
         Digest::of(layer).to_string() + R"("]}})";
}

/// Puts an image of one layer under the tag that is its architecture.
Manifest put_image(Registry& registry, const std::string& repository, const std::string& architecture) {
  test::Pusher pusher(registry.authority());
  const auto place = pusher.repository(repository);
  const auto put = [&](const std::string& bytes, std::string_view type) {
    REQUIRE(place->put_blob(test::blob_of(bytes), {}));
    return Descriptor{.media_type = std::string(type), .digest = Digest::of(bytes), .size = bytes.size()};
  };
  const std::string layer = test::sample(1000) + architecture;
  const Descriptor config = put(config_for(architecture, layer), model::kOciConfig);
  const Descriptor stored = put(layer, model::kOciLayer);
  const Manifest image =
      Manifest::parse(model::image_manifest(model::Format::oci, config, {stored}), {}).value();
  const std::string tags[] = {architecture};
  REQUIRE(place->put_manifest(image, tags, {}));
  registry.clear_log();
  return image;
}

std::string in(const Registry& registry, const std::string& rest) {
  return registry.authority() + "/" + rest;
}

Manifest stored(Registry& registry, const std::string& repository, const std::string& tag) {
  const auto digest = registry.storage().tag(repository, tag);
  REQUIRE(digest);
  return registry.storage().manifest(repository, *digest).value();
}

std::vector<std::string> platforms_of(const Manifest& index) {
  std::vector<std::string> out;
  for (const Descriptor& entry : index.manifests())
    out.push_back(entry.platform ? entry.platform->to_string() : "");
  return out;
}

const std::vector<std::string> kFour = {"amd64", "arm64", "ppc64le", "s390x"};

}  // namespace

TEST_CASE("an index over four images of the repository takes nine requests") {
  Registry registry;
  std::vector<IndexPart> parts;
  for (const std::string& architecture : kFour) {
    put_image(registry, "app", architecture);
    parts.push_back({in(registry, "app:" + architecture)});
  }
  Client client(quick());
  const auto made = client.create_index(in(registry, "app:all"), parts);
  REQUIRE(made);
  CHECK(registry.log().size() == 9);
  CHECK(registry.log("PUT", "/v2/app/manifests/all").size() == 1);
  CHECK((platforms_of(stored(registry, "app", "all")) ==
         std::vector<std::string>{"linux/amd64", "linux/arm64", "linux/ppc64le", "linux/s390x"}));
  CHECK(stored(registry, "app", "all").descriptor().digest == made->root.digest);
}

TEST_CASE("given platforms save the configurations") {
  Registry registry;
  std::vector<IndexPart> parts;
  for (const std::string& architecture : kFour) {
    put_image(registry, "app", architecture);
    parts.push_back({in(registry, "app:" + architecture), Platform::parse("linux/" + architecture).value()});
  }
  Client client(quick());
  REQUIRE(client.create_index(in(registry, "app:all"), parts));
  CHECK(registry.log().size() == 5);
}

TEST_CASE("images of another repository of the registry are mounted below an index") {
  Registry registry;
  put_image(registry, "base", "amd64");
  put_image(registry, "app", "arm64");
  Client client(quick());
  const IndexPart parts[] = {{in(registry, "base:amd64")}, {in(registry, "app:arm64")}};
  REQUIRE(client.create_index(in(registry, "app:all"), parts));
  CHECK(registry.log("PATCH", "").empty());
  const auto asked = registry.log("POST", "/v2/app/blobs/uploads/");
  CHECK(asked.size() == 2);  // the config and the layer
  for (const auto& request : asked) CHECK(request.target.find("from=base") != std::string::npos);
  const Manifest index = stored(registry, "app", "all");
  for (const Descriptor& entry : index.manifests()) CHECK(registry.storage().manifest("app", entry.digest));
}

TEST_CASE("archives become the images of an index, compressed once") {
  Registry registry;
  const TempDir folder;
  std::vector<IndexPart> parts;
  for (const char* architecture : {"amd64", "arm64"}) {
    const std::string layer = test::tar_entry("file", test::sample(5000) + architecture);
    const std::string path = (folder.path() / (std::string(architecture) + ".tar")).string();
    std::ofstream(path) << test::save_archive({layer}, "app:1", {}, architecture);
    parts.push_back({path});
  }
  Client client(quick());
  const auto made = client.create_index(in(registry, "app:1"), parts);
  REQUIRE(made);
  const Manifest index = stored(registry, "app", "1");
  CHECK((platforms_of(index) == std::vector<std::string>{"linux/amd64", "linux/arm64"}));
  for (const Descriptor& entry : index.manifests()) {
    const Manifest image = registry.storage().manifest("app", entry.digest).value();
    CHECK(image.descriptor().media_type == model::kOciManifest);
    CHECK(entry.size == image.bytes().size());
    CHECK(model::compression_of(image.layers().front().media_type) == model::Compression::gzip);
  }
  // A second time nothing is sent, and the digest is the same.
  registry.clear_log();
  const auto again = client.create_index(in(registry, "app:1"), parts);
  REQUIRE(again);
  CHECK(again->root.digest == made->root.digest);
  CHECK(again->unchanged);
  CHECK(registry.log("PUT", "").empty());
}

TEST_CASE("an index within an index is listed flat, with its attestations") {
  Registry registry;
  const Manifest amd = put_image(registry, "app", "amd64");
  const Manifest arm = put_image(registry, "app", "arm64");
  test::Pusher pusher(registry.authority());
  Descriptor about = arm.descriptor();
  about.platform = Platform{.os = "unknown", .architecture = "unknown"};
  about.annotations = {{"vnd.docker.reference.digest", amd.descriptor().digest.to_string()},
                       {"vnd.docker.reference.type", "attestation-manifest"}};
  Descriptor image = amd.descriptor();
  image.platform = Platform::parse("linux/amd64").value();
  const std::vector<Descriptor> entries = {image, about};
  const Manifest inner =
      Manifest::parse(model::index_manifest(model::Format::oci, entries), model::kOciIndex).value();
  const std::string tags[] = {"inner"};
  REQUIRE(pusher.repository("app")->put_manifest(inner, tags, {}));
  Client client(quick());
  const IndexPart parts[] = {{in(registry, "app:inner")}};
  REQUIRE(client.create_index(in(registry, "app:flat"), parts));
  CHECK((stored(registry, "app", "flat").manifests() == entries));
}

TEST_CASE("a template stands for one image for each platform") {
  Registry registry;
  put_image(registry, "app", "amd64");
  put_image(registry, "app", "arm64");
  Client client(quick());
  const IndexPart parts[] = {{in(registry, "app:{arch}")}};
  REQUIRE(client.create_index(
      in(registry, "app:1"), parts,
      {.platforms = {Platform::parse("linux/amd64").value(), Platform::parse("linux/arm64").value()}}));
  CHECK(stored(registry, "app", "1").manifests().size() == 2);
  const auto without = client.create_index(in(registry, "app:1"), parts);
  REQUIRE_FALSE(without);
  CHECK(without.error().code == Errc::invalid_argument);
}

TEST_CASE("an edit in place asks for nothing but the index, and leaves what it does not touch") {
  Registry registry;
  std::vector<IndexPart> parts;
  for (const std::string& architecture : kFour) {
    put_image(registry, "app", architecture);
    parts.push_back({in(registry, "app:" + architecture)});
  }
  Client client(quick());
  REQUIRE(client.create_index(in(registry, "app:all"), parts));
  const Manifest before = stored(registry, "app", "all");
  registry.clear_log();
  REQUIRE(client.edit_index(in(registry, "app:all"), "", {.remove = {"linux/s390x"}}));
  CHECK(registry.log().size() == 4);  // the index, the tag once more, the new index, the tag a while after
  const Manifest after = stored(registry, "app", "all");
  REQUIRE(after.manifests().size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK((after.manifests()[i] == before.manifests()[i]));
}

TEST_CASE("what is added for a platform that is there wants to be told to replace it") {
  Registry registry;
  put_image(registry, "app", "amd64");
  put_image(registry, "other", "amd64");
  Client client(quick());
  const IndexPart first[] = {{in(registry, "app:amd64")}};
  REQUIRE(client.create_index(in(registry, "app:all"), first));
  IndexEdit edit{.add = {{in(registry, "other:amd64"), {}, {{"from", "other"}}}}};
  // The same image under the same platform is there already: there is nothing to add.
  REQUIRE(client.edit_index(in(registry, "app:all"), "", edit));
  CHECK(stored(registry, "app", "all").manifests().size() == 1);

  put_image(registry, "other", "arm64");
  edit.add = {{in(registry, "other:arm64"), Platform::parse("linux/amd64").value()}};
  const auto refused = client.edit_index(in(registry, "app:all"), "", edit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  edit.replace = true;
  REQUIRE(client.edit_index(in(registry, "app:all"), "", edit));
  const Manifest after = stored(registry, "app", "all");
  REQUIRE(after.manifests().size() == 1);
  CHECK(after.manifests().front().digest == *registry.storage().tag("other", "arm64"));
}

TEST_CASE("an edit does not overwrite what somebody else has put under the tag meanwhile") {
  Registry registry;
  put_image(registry, "app", "amd64");
  put_image(registry, "app", "arm64");
  Client client(quick());
  const IndexPart parts[] = {{in(registry, "app:amd64")}, {in(registry, "app:arm64")}};
  REQUIRE(client.create_index(in(registry, "app:all"), parts));

  const Manifest index = stored(registry, "app", "all");
  const auto other =
      Manifest::parse(model::index_manifest(model::Format::oci, index.manifests(), {{"by", "somebody else"}}),
                      model::kOciIndex);
  test::Pusher pusher(registry.authority());
  const std::string tags[] = {"other"};
  REQUIRE(pusher.repository("app")->put_manifest(*other, tags, {}));

  // Somebody moves the tag just before the edit makes sure that it is where it was.
  test::FaultServer front({.upstream = emulator::Address::parse(registry.authority())});
  front.on({.method = "HEAD", .path = "/v2/app/manifests/all", .to = 1}, [&](const test::RecordedRequest&) {
    registry.storage().set_tag("app", "all", other->descriptor().digest);
    return test::forwarded();
  });
  const std::string name = front.authority() + "/app:all";

  SECTION("it says so") {
    const auto edited = client.edit_index(name, "", {.remove = {"linux/arm64"}});
    REQUIRE_FALSE(edited);
    CHECK(edited.error().code == Errc::conflict);
    CHECK((registry.storage().tag("app", "all") == other->descriptor().digest));
  }
  SECTION("it makes the change on top of that when it is told to") {
    REQUIRE(client.edit_index(name, "", {.remove = {"linux/arm64"}, .retries_on_change = 2}));
    const Manifest after = stored(registry, "app", "all");
    CHECK(after.annotations().at("by") == "somebody else");
    CHECK(after.manifests().size() == 1);
  }
}
