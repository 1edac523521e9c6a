// Pull and copy through the front door: registries on loopback, layouts, archives.

#include <davit/davit.h>

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "emulator/registry.h"
#include "model/media_type.h"
#include "push_fixture.h"
#include "support/catch.h"
#include "support/save_archive.h"
#include "support/temp_dir.h"

using namespace davit;
using davit::test::quick;
using davit::test::save_archive;
using davit::test::TempDir;
using emulator::Access;
using emulator::Behaviour;
using Registry = emulator::Registry;

namespace {

/// A registry with app:1, an image of two layers, its bytes from a tarball.
struct Origin {
  explicit Origin(std::size_t layer_size = 200'000) {
    const TempDir dir;
    const auto tar =
        dir.write("app.tar", save_archive({test::sample(layer_size), test::sample(3000, 2)}, "app:1"));
    Client client(quick());
    image = client.push(tar.string(), registry.authority() + "/team/app:1").value().root;
    registry.clear_log();
  }
  [[nodiscard]] std::string name() const { return registry.authority() + "/team/app:1"; }

  Registry registry;
  Descriptor image;
};

Descriptor put(registry::Repository& repository, const std::string& bytes) {
  const auto content = test::blob_of(bytes);
  return repository.put_blob(content, {}).value();
}

/// A config that says for which platform it is, and one layer.
Manifest image_for(registry::Repository& repository, const std::string& architecture) {
  const std::string layer = "layer of " + architecture;
  const std::string config = R"({"architecture":")" + architecture +
                             R"(","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
                             Digest::of(layer).to_string() + R"("]}})";
  put(repository, config);
  put(repository, layer);
  Manifest image = test::image_of(config, {layer});
  REQUIRE(repository.put_manifest(image, {}, {}));
  return image;
}

std::string entry_of(const Manifest& image, const std::string& more) {
  return R"({"mediaType":")" + image.descriptor().media_type + R"(","digest":")" +
         image.descriptor().digest.to_string() + R"(","size":)" + std::to_string(image.bytes().size()) +
         more + "}";
}

/// An index of amd64, arm64, and an attestation about each.
struct MultiArch {
  explicit MultiArch(Registry& registry)
      : pusher(registry.authority()), repository(pusher.repository("multi")) {
    for (const std::string architecture : {"amd64", "arm64"}) {
      const Manifest image = image_for(*repository, architecture);
      const Manifest about = image_for(*repository, "attestation-" + architecture);
      entries += (entries.empty() ? "" : ",") +
                 entry_of(image, R"(,"platform":{"os":"linux","architecture":")" + architecture + R"("})") +
                 "," +
                 entry_of(about, R"(,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{)"
                                 R"("vnd.docker.reference.type":"attestation-manifest",)"
                                 R"("vnd.docker.reference.digest":")" +
                                     image.descriptor().digest.to_string() + R"("})");
      images.push_back(image);
    }
    index = Manifest::parse(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",)"
                            R"("manifests":[)" +
                                entries + R"(],"annotations":{"kept":"yes"}})",
                            model::kOciIndex)
                .value();
    const std::string names[] = {"1"};
    REQUIRE(repository->put_manifest(*index, names, {}));
    registry.clear_log();
  }

  test::Pusher pusher;
  std::unique_ptr<registry::Repository> repository;
  std::string entries;
  std::vector<Manifest> images;
  std::optional<Manifest> index;
};

Platform platform(const std::string& text) {
  return Platform::parse(text).value();
}

std::size_t blob_requests(Registry& registry, const std::string& method) {
  const auto lines = registry.log(method);
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [](const Access& line) { return line.target.find("/blobs/sha256:") != std::string::npos; }));
}

}  // namespace

TEST_CASE("a pulled image goes back with the digest it had", "[copy]") {
  Origin origin;
  const TempDir dir;
  const std::string output = GENERATE(as<std::string>(), "app.tar", "app.oci.tar", "layout/");
  Client client(quick());
  const auto pulled = client.pull(origin.name(), (dir.path() / output).string()).value();
  CHECK(pulled.root.digest == origin.image.digest);
  CHECK(pulled.blobs.sent == 3);

  Registry other;
  const auto pushed = client.push((dir.path() / output).string(), other.authority() + "/back").value();
  CHECK(pushed.root == origin.image);
  CHECK(other.storage().tag("back", "1") == origin.image.digest);
}

TEST_CASE("a pull without a place becomes a tar of the repository's name", "[copy]") {
  Origin origin;
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  Client client(quick());
  const auto pulled = client.pull(origin.name());
  std::filesystem::current_path(before);
  REQUIRE(pulled);
  CHECK(pulled->destination == "docker-archive:app.tar");
  CHECK(std::filesystem::exists(dir.path() / "app.tar"));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "app.tar.davit-partial"));
}

TEST_CASE("a second pull into a layout fetches no blob and says so", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const std::string target = "oci:" + (dir.path() / "layout").string() + ":1";
  CHECK_FALSE(client.pull(origin.name(), target).value().unchanged);
  origin.registry.clear_log();
  const auto again = client.pull(origin.name(), target).value();
  CHECK(again.unchanged);
  CHECK(again.blobs.present == 3);
  CHECK(blob_requests(origin.registry, "GET") == 0);
}

TEST_CASE("row 89: a damaged blob in a layout is fetched again", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const auto layout = dir.path() / "layout";
  REQUIRE(client.pull(origin.name(), layout.string() + "/"));
  const auto manifest = origin.registry.storage().manifest("team/app", origin.image.digest);
  const auto blob = layout / "blobs/sha256" / manifest->layers().front().digest.hex();
  std::filesystem::resize_file(blob, 100);
  const auto again = client.pull(origin.name(), layout.string() + "/").value();
  CHECK(again.blobs.sent == 1);
  CHECK(std::filesystem::file_size(blob) == manifest->layers().front().size);
}

TEST_CASE("row 89: a damaged manifest in a layout is replaced", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const std::string layout = "oci:" + (dir.path() / "layout").string() + ":1";
  REQUIRE(client.pull(origin.name(), layout));
  const std::string damaged = GENERATE(as<std::string>(), "", "{}", "not JSON");
  const auto blob = dir.write("layout/blobs/sha256/" + origin.image.digest.hex(), damaged);
  REQUIRE(client.pull(origin.name(), layout));
  CHECK(std::filesystem::file_size(blob) == origin.image.size);
}

TEST_CASE("row 89: a raw image is sent again where the layout that had it was damaged", "[copy]") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({test::sample(50'000)}, "app:1")).string();
  const std::string layout = "oci:" + (dir.path() / "layout").string();
  Client client(quick());
  const auto copied = client.copy(tar, layout).value();
  CHECK(client.copy(tar, layout).value().unchanged);
  for (const auto& blob : std::filesystem::directory_iterator(dir.path() / "layout/blobs/sha256")) {
    if (blob.file_size() < 10'000) continue;
    std::filesystem::resize_file(blob.path(), 100);
  }
  const auto again = client.copy(tar, layout).value();
  CHECK(again.root == copied.root);
  CHECK(again.blobs.sent == 1);
  Registry other;
  CHECK(client.push(layout + ":1", other.authority() + "/app:1").value().root == copied.root);
}

TEST_CASE("what an interrupted pull has left is not fetched again", "[copy]") {
  Origin origin(3'000'000);
  const TempDir dir;
  const auto layout = dir.path() / "layout";
  const auto manifest = origin.registry.storage().manifest("team/app", origin.image.digest);
  const Descriptor& layer = manifest->layers().front();
  // The first half of the layer, as a killed process leaves it.
  const std::string bytes =
      emulator::Blob::read_all(origin.registry.storage().blob("team/app", layer.digest));
  std::filesystem::create_directories(layout);
  Client client(quick());
  REQUIRE(client.pull(origin.name(), layout.string() + "/"));
  std::filesystem::remove(layout / "blobs/sha256" / layer.digest.hex());
  std::filesystem::create_directories(layout / ".davit-partial");
  dir.write("layout/.davit-partial/sha256-" + layer.digest.hex(), bytes.substr(0, bytes.size() / 2));
  origin.registry.clear_log();
  REQUIRE(client.pull(origin.name(), layout.string() + "/"));
  std::uint64_t served = 0;
  for (const Access& line : origin.registry.log("GET", "/v2/team/app/blobs/")) served += line.bytes_out;
  CHECK(served <= bytes.size() / 2 + 4096);
  CHECK(std::filesystem::file_size(layout / "blobs/sha256" / layer.digest.hex()) == layer.size);
  CHECK_FALSE(std::filesystem::exists(layout / ".davit-partial"));
}

TEST_CASE("a copy within one registry mounts every blob and asks for none", "[copy]") {
  Origin origin;
  Client client(quick());
  const auto copied = client.copy(origin.name(), origin.registry.authority() + "/team/other").value();
  CHECK(copied.tags == std::vector<std::string>{"1"});
  CHECK(copied.blobs.mounted == 3);
  CHECK(origin.registry.storage().tag("team/other", "1") == origin.image.digest);
  CHECK(origin.registry.log("POST").size() == 3);
  CHECK(blob_requests(origin.registry, "HEAD") == 0);
  CHECK(blob_requests(origin.registry, "GET") == 0);

  origin.registry.clear_log();
  CHECK(client.copy(origin.name(), origin.registry.authority() + "/team/other").value().unchanged);
  CHECK(origin.registry.log().size() <= 3);
}

TEST_CASE("a copy between registries keeps every byte", "[copy]") {
  Origin origin;
  Registry other;
  Client client(quick());
  const auto copied = client.copy("docker://" + origin.name(), other.authority() + "/app:x,y").value();
  CHECK(copied.root == origin.image);
  CHECK(other.storage().tag("app", "x") == origin.image.digest);
  CHECK(other.storage().tag("app", "y") == origin.image.digest);
}

TEST_CASE("one reading serves registries and files", "[copy]") {
  Origin origin;
  Registry other;
  const TempDir dir;
  Client client(quick());
  const std::string targets[] = {other.authority() + "/app:1", "oci:" + (dir.path() / "layout").string(),
                                 (dir.path() / "app.tar").string()};
  const auto delivered = client.copy(origin.name(), targets).value();
  REQUIRE(delivered.size() == 3);
  for (const Delivery& each : delivered) {
    REQUIRE(each.result);
    CHECK(each.result->root == origin.image);
  }
  CHECK(blob_requests(origin.registry, "GET") == 3);
}

TEST_CASE("a destination that fails leaves the others alone", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  dir.write("file", "not a folder");
  Registry broken;
  Behaviour behaviour;
  const std::string targets[] = {"127.0.0.1:1/app:1", "oci:" + (dir.path() / "layout").string()};
  const auto delivered = client.copy(origin.name(), targets).value();
  REQUIRE(delivered.size() == 2);
  CHECK_FALSE(delivered[0].result);
  CHECK(delivered[1].result);
}

TEST_CASE("all platforms travel unless one is chosen", "[copy]") {
  Registry registry;
  MultiArch multi(registry);
  Registry other;
  Client client(quick());
  const std::string source = registry.authority() + "/multi:1";

  SECTION("all of them") {
    const auto copied = client.copy(source, other.authority() + "/multi").value();
    CHECK(copied.root.digest == multi.index->descriptor().digest);
    for (const Manifest& image : multi.images)
      CHECK(other.storage().manifest("multi", image.descriptor().digest));
  }
  SECTION("one gives its manifest") {
    const auto copied =
        client.copy(source, other.authority() + "/multi", {.platforms = {platform("linux/arm64/v8")}})
            .value();
    CHECK(copied.root.digest == multi.images[1].descriptor().digest);
    CHECK_FALSE(other.storage().manifest("multi", multi.images[0].descriptor().digest));
  }
  SECTION("all that there are leave the index as it is") {
    const auto copied = client
                            .copy(source, other.authority() + "/multi",
                                  {.platforms = {platform("linux/arm64"), platform("amd64")}})
                            .value();
    CHECK(copied.root.digest == multi.index->descriptor().digest);
  }
  SECTION("one that is missing is an error that lists what there is") {
    const auto copied =
        client.copy(source, other.authority() + "/multi", {.platforms = {platform("linux/riscv64")}});
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::not_found);
    CHECK(copied.error().hint.find("linux/amd64, linux/arm64") != std::string::npos);
  }
  SECTION("digests that are to be preserved do not go with a choice") {
    const auto copied = client.copy(source, other.authority() + "/multi",
                                    {.preserve_digests = true, .platforms = {platform("linux/arm64")}});
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::invalid_argument);
  }
  SECTION("a docker-archive gets the one of this machine") {
    const TempDir dir;
    const auto pulled = client.pull(source, (dir.path() / "multi.tar").string());
    const std::string here = Platform::host().architecture;
    if (here == "amd64" || here == "arm64") {
      REQUIRE(pulled);
      CHECK(pulled->root.digest == multi.images[here == "amd64" ? 0 : 1].descriptor().digest);
    } else {
      CHECK_FALSE(pulled);
    }
  }
  SECTION("an oci-archive holds them all") {
    const TempDir dir;
    const auto pulled = client.pull(source, (dir.path() / "multi.oci.tar").string()).value();
    CHECK(pulled.root.digest == multi.index->descriptor().digest);
    const auto pushed =
        client.push((dir.path() / "multi.oci.tar").string(), other.authority() + "/back:1").value();
    CHECK(pushed.root.digest == multi.index->descriptor().digest);
  }
}

TEST_CASE("two of three platforms are listed by a rewritten index, with what is attested about them",
          "[copy]") {
  Registry registry;
  MultiArch multi(registry);
  const Manifest third = image_for(*multi.repository, "s390x");
  const Manifest index =
      Manifest::parse(
          R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
              multi.entries + "," + entry_of(third, R"(,"platform":{"os":"linux","architecture":"s390x"})") +
              R"(],"annotations":{"kept":"yes"}})",
          model::kOciIndex)
          .value();
  const std::string names[] = {"3"};
  REQUIRE(multi.repository->put_manifest(index, names, {}));
  Registry other;
  Client client(quick());
  const auto copied = client
                          .copy(registry.authority() + "/multi:3", other.authority() + "/multi",
                                {.platforms = {platform("linux/amd64"), platform("linux/s390x")}})
                          .value();
  const auto stored = other.storage().manifest("multi", copied.root.digest);
  REQUIRE(stored);
  REQUIRE(stored->manifests().size() == 3);
  CHECK(stored->manifests()[0].digest == multi.images[0].descriptor().digest);
  CHECK(stored->manifests()[1].platform->os == "unknown");
  CHECK(stored->manifests()[2].digest == third.descriptor().digest);
  CHECK(stored->annotations().at("kept") == "yes");
}

TEST_CASE("referrers go with their image when asked for", "[copy]") {
  Origin origin;
  test::Pusher pusher(origin.registry.authority());
  const auto repository = pusher.repository("team/app");
  const std::string sbom = R"({"sbom":true})";
  put(*repository, "{}");
  put(*repository, sbom);
  const auto artifact = [&](const Descriptor& subject, const std::string& type) {
    return Manifest::parse(
               R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
               R"("artifactType":")" +
                   type +
                   R"(","config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":")" +
                   Digest::of("{}").to_string() + R"("},"layers":[{"mediaType":"application/json","size":)" +
                   std::to_string(sbom.size()) + R"(,"digest":")" + Digest::of(sbom).to_string() +
                   R"("}],"subject":{"mediaType":")" + subject.media_type + R"(","size":)" +
                   std::to_string(subject.size) + R"(,"digest":")" + subject.digest.to_string() + R"("}})",
               model::kOciManifest)
        .value();
  };
  const Manifest first = artifact(origin.image, "example/sbom");
  const Manifest second = artifact(first.descriptor(), "example/signature");
  REQUIRE(repository->put_manifest(first, {}, {}));
  REQUIRE(repository->put_manifest(second, {}, {}));

  Registry other;
  Client client(quick());
  REQUIRE(client.copy(origin.name(), other.authority() + "/plain"));
  CHECK_FALSE(other.storage().manifest("plain", first.descriptor().digest));
  REQUIRE(client.copy(origin.name(), other.authority() + "/app", {.referrers = true}));
  CHECK(other.storage().manifest("app", first.descriptor().digest));
  CHECK(other.storage().manifest("app", second.descriptor().digest));
  // What refers to an image cannot follow it to another digest.
  const auto docker =
      client.copy(origin.name(), other.authority() + "/docker",
                  {.format = origin.image.media_type == model::kOciManifest ? ManifestFormat::docker
                                                                            : ManifestFormat::oci,
                   .referrers = true});
  CHECK(docker.error().code == Errc::invalid_argument);

  // From there through a layout and back.
  const TempDir dir;
  const std::string layout = "oci:" + (dir.path() / "layout").string() + ":1";
  REQUIRE(client.copy(other.authority() + "/app:1", layout, {.referrers = true}));
  REQUIRE(client.copy(layout, other.authority() + "/back:1", {.referrers = true}));
  CHECK(other.storage().manifest("back", second.descriptor().digest));
}

TEST_CASE("a tag that is not to be replaced stays", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const auto tar = dir.path() / "app.tar";
  dir.write("app.tar", "something of the user's");
  const auto pulled = client.pull(origin.name(), tar.string(), {.on_existing_tag = OnExistingTag::fail});
  REQUIRE_FALSE(pulled);
  CHECK(pulled.error().code == Errc::already_exists);
  CHECK(std::filesystem::file_size(tar) == 23);
  CHECK(blob_requests(origin.registry, "GET") == 0);
  REQUIRE(client.pull(origin.name(), tar.string()));
  CHECK(std::filesystem::file_size(tar) > 200'000);
}

TEST_CASE("a reference with tag and digest wants both to agree", "[copy]") {
  Origin origin;
  Registry other;
  Client client(quick());
  CHECK(client.copy(origin.name() + "@" + origin.image.digest.to_string(), other.authority() + "/app"));
  CHECK(other.storage().tag("app", "1") == origin.image.digest);
  const auto wrong =
      client.copy(origin.name() + "@" + Digest::of("another").to_string(), other.authority() + "/app");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Errc::conflict);
}

TEST_CASE("by digest alone an image gets no tag", "[copy]") {
  Origin origin;
  Registry other;
  Client client(quick());
  const std::string source = origin.registry.authority() + "/team/app@" + origin.image.digest.to_string();
  const auto copied = client.copy(source, other.authority() + "/app").value();
  CHECK(copied.tags.empty());
  CHECK(other.storage().manifest("app", origin.image.digest));
}

TEST_CASE("a plan tells what would be mounted", "[copy]") {
  Origin origin;
  Client client(quick());
  const std::string other[] = {origin.registry.authority() + "/team/other"};
  const auto plans = client.plan_copy(origin.name(), other).value();
  REQUIRE(plans.size() == 1);
  CHECK(plans[0].to_mount.size() == 3);
  CHECK(plans[0].to_send.empty());
  CHECK(plans[0].bytes == 0);
  CHECK(plans[0].changes());
}

TEST_CASE("a plan of a pull writes nothing", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const auto plans = client.plan_pull(origin.name(), (dir.path() / "layout/").string()).value();
  REQUIRE(plans.size() == 1);
  CHECK(plans[0].to_send.size() == 3);
  CHECK(plans[0].tags.size() == 1);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "layout"));
}

TEST_CASE("raw layers of a tarball are compressed on their way into a layout", "[copy]") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({test::sample(50'000)}, "app:1")).string();
  Client client(quick());
  const auto copied = client.copy(tar, "oci:" + (dir.path() / "layout").string()).value();
  CHECK(copied.root.media_type == model::kOciManifest);
  CHECK(copied.tags == std::vector<std::string>{"1"});
  Registry other;
  CHECK(client.push("oci:" + (dir.path() / "layout").string() + ":1", other.authority() + "/app:1")
            .value()
            .root == copied.root);
}

TEST_CASE("words that could mean two things are asked back", "[copy]") {
  Client client(quick());
  const auto pulled = client.pull("127.0.0.1:1/app:1", "somewhere");
  REQUIRE_FALSE(pulled);
  CHECK(pulled.error().code == Errc::invalid_argument);
  CHECK(pulled.error().hint == "write somewhere.tar or somewhere/");
  const auto wrapped = client.pull("127.0.0.1:1/app:1", "app.tar.gz");
  REQUIRE_FALSE(wrapped);
  CHECK(wrapped.error().hint == "write app.tar");
  const auto registry = client.pull("127.0.0.1:1/app:1", "127.0.0.1:1/other:1");
  REQUIRE_FALSE(registry);
  CHECK(registry.error().hint.find("davit copy") == 0);
}

TEST_CASE("manifests are converted when that is asked for, blobs stay", "[copy]") {
  Registry registry;
  MultiArch multi(registry);
  Registry other;
  Client client(quick());
  const std::string source = registry.authority() + "/multi:1";
  SECTION("an index and its images, there and back") {
    const auto docker =
        client.copy(source, other.authority() + "/multi", {.format = ManifestFormat::docker}).value();
    CHECK(docker.root.media_type == model::kDockerList);
    const auto list = other.storage().manifest("multi", docker.root.digest);
    const auto image = other.storage().manifest("multi", list->manifests()[0].digest);
    REQUIRE(image);
    CHECK(image->descriptor().media_type == model::kDockerManifest);
    CHECK(image->config()->media_type == model::kDockerConfig);
    CHECK(image->config()->digest == multi.images[0].config()->digest);
    CHECK(list->annotations().at("kept") == "yes");
  }
  SECTION("what is in the format already stays as it is") {
    const auto oci =
        client.copy(source, other.authority() + "/multi", {.format = ManifestFormat::oci}).value();
    CHECK(oci.root.digest == multi.index->descriptor().digest);
  }
  SECTION("not where the digest is to be preserved") {
    const auto docker = client.copy(source, other.authority() + "/multi",
                                    {.format = ManifestFormat::docker, .preserve_digests = true});
    REQUIRE_FALSE(docker);
    CHECK(docker.error().code == Errc::conflict);
  }
}

TEST_CASE("all tags of a repository, or those that are meant", "[copy]") {
  Origin origin;
  Client client(quick());
  for (const std::string tag : {"1.2.0", "1.10.0", "2.0.0", "edge"})
    REQUIRE(client.copy(origin.name(), origin.registry.authority() + "/team/app:" + tag));
  Registry other;
  const std::string source = origin.registry.authority() + "/team/app";
  const auto copy = [&](const TagChoice& choice) {
    const std::string targets[] = {other.authority() + "/app"};
    return client.copy(source, targets, {.all_tags = choice}).value().size();
  };
  CHECK(copy({.semver = ">=1.5"}) == 2);
  CHECK(other.storage().tag("app", "1.10.0"));
  CHECK_FALSE(other.storage().tag("app", "1.2.0"));
  CHECK(copy({}) == 5);
  CHECK(other.storage().tag("app", "edge"));

  const TempDir dir;
  const std::string layout[] = {"oci:" + (dir.path() / "layout").string()};
  REQUIRE(client.copy(source, layout, {.all_tags = TagChoice{}}));
  CHECK(client.push(layout[0] + ":edge", other.authority() + "/back:1").value().root == origin.image);

  const std::string targets[] = {other.authority() + "/app"};
  const auto tagged = client.copy(origin.name(), targets, {.all_tags = TagChoice{}});
  REQUIRE_FALSE(tagged);
  CHECK(tagged.error().code == Errc::invalid_argument);
}

TEST_CASE("what a docker-archive cannot hold is said before anything moves", "[copy]") {
  Origin origin;
  test::Pusher pusher(origin.registry.authority());
  const auto repository = pusher.repository("team/app");
  put(*repository, "{}");
  const Manifest artifact =
      Manifest::parse(
          R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
          R"("artifactType":"example/sbom","config":{"mediaType":"application/vnd.oci.empty.v1+json",)"
          R"("size":2,"digest":")" +
              Digest::of("{}").to_string() + R"("},"layers":[]})",
          model::kOciManifest)
          .value();
  const std::string names[] = {"sbom"};
  REQUIRE(repository->put_manifest(artifact, names, {}));
  const TempDir dir;
  const std::string tar = (dir.path() / "x.tar").string();
  Client client(quick());
  const auto pulled = client.pull(origin.registry.authority() + "/team/app:sbom", tar);
  REQUIRE_FALSE(pulled);
  CHECK(pulled.error().code == Errc::unsupported);
  CHECK(client.pull(origin.registry.authority() + "/team/app:sbom", (dir.path() / "x.oci.tar").string()));
  const auto referrers = client.pull(origin.name(), tar, {.referrers = true});
  REQUIRE_FALSE(referrers);
  CHECK(referrers.error().code == Errc::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(tar));
}

TEST_CASE("a repository that does not exist yet is asked for a few blobs, not for each", "[copy]") {
  Registry registry;
  test::Pusher pusher(registry.authority());
  const auto repository = pusher.repository("many");
  std::vector<std::string> layers;
  for (int i = 0; i < 20; ++i) {
    layers.push_back("layer " + std::to_string(i));
    put(*repository, layers.back());
  }
  put(*repository, "{}");
  const std::string names[] = {"1"};
  REQUIRE(repository->put_manifest(test::image_of("{}", layers), names, {}));
  Registry other;
  Client client(quick());
  REQUIRE(client.copy(registry.authority() + "/many:1", other.authority() + "/new"));
  CHECK(blob_requests(other, "HEAD") == 8);
  CHECK(other.log("POST").size() == 21);

  // Another tag in a repository that is there: every blob is asked for, and none is sent.
  other.clear_log();
  REQUIRE(client.copy(registry.authority() + "/many:1", other.authority() + "/new:2"));
  CHECK(other.log("POST").empty());
}

TEST_CASE("a folder is a folder by its slash, whatever else its name says", "[copy]") {
  Origin origin;
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  Client client(quick());
  const auto pulled = client.pull(origin.name(), "app-1.4/");
  const auto copied = client.copy(origin.name(), "app/");
  const auto unclear = client.copy(origin.name(), "localhost/");
  std::filesystem::current_path(before);
  CHECK(pulled);
  CHECK(copied);
  CHECK(unclear.error().hint == "write ./localhost/ or docker://localhost/REPOSITORY:TAG");
  CHECK(std::filesystem::exists(dir.path() / "app-1.4/index.json"));
}

TEST_CASE("further tags are names in files, too", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const std::string output = GENERATE(as<std::string>(), "app.tar", "app.oci.tar", "layout/");
  const std::string path = (dir.path() / output).string();
  REQUIRE(client.pull(origin.name(), path, {.tags = {"more"}}));
  Registry other;
  const std::string from =
      output == "app.tar"   ? "docker-archive:" + path + ":" + origin.registry.authority() + "/team/app:more"
      : output == "layout/" ? "oci:" + path + ":more"
                            : "oci-archive:" + path + ":more";
  CHECK(client.push(from, other.authority() + "/app:1").value().root == origin.image);
}

TEST_CASE("a docker-archive wants a name for each tag", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const std::string layout = "oci:" + (dir.path() / "layout").string() + ":1";
  REQUIRE(client.pull(origin.name(), layout));
  const std::string tar = (dir.path() / "app.tar").string();
  const auto refused = client.copy(layout, tar, {.tags = {"more"}});
  CHECK(refused.error().hint == "write docker-archive:" + tar + ":NAME:more");
  CHECK(client.copy(layout, "docker-archive:" + tar + ":app:1", {.tags = {"more"}}));
}

TEST_CASE("one path is not two files of different kinds", "[copy]") {
  Origin origin;
  const TempDir dir;
  Client client(quick());
  const std::string path = (dir.path() / "x.tar").string();
  const std::string targets[] = {"docker-archive:" + path, "oci-archive:" + path};
  const auto copied = client.copy(origin.name(), targets);
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code == Errc::invalid_argument);
  const std::string twice[] = {path, "docker-archive:" + path};
  CHECK(client.copy(origin.name(), twice).value().size() == 2);
}

TEST_CASE("row 126: platforms are chosen within nested indexes", "[copy]") {
  Registry registry;
  MultiArch multi(registry);
  std::string entries;
  for (const auto& [first, second] : {std::pair("s390x", "riscv64"), std::pair("ppc64le", "mips64le")}) {
    const auto platform_of = [](const std::string& architecture) {
      return R"(,"platform":{"os":"linux","architecture":")" + architecture + R"("})";
    };
    const Manifest nested =
        Manifest::parse(
            R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
                entry_of(image_for(*multi.repository, first), platform_of(first)) + "," +
                entry_of(image_for(*multi.repository, second), platform_of(second)) + "]}",
            model::kOciIndex)
            .value();
    REQUIRE(multi.repository->put_manifest(nested, {}, {}));
    entries += (entries.empty() ? "" : ",") + entry_of(nested, "");
  }
  const Manifest top =
      Manifest::parse(
          R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
              entries + "]}",
          model::kOciIndex)
          .value();
  const std::string names[] = {"nested"};
  REQUIRE(multi.repository->put_manifest(top, names, {}));
  Registry other;
  Client client(quick());
  const auto copied = client
                          .copy(registry.authority() + "/multi:nested", other.authority() + "/multi",
                                {.platforms = {platform("linux/s390x"), platform("linux/ppc64le")}})
                          .value();
  const auto stored = other.storage().manifest("multi", copied.root.digest);
  REQUIRE(stored);
  REQUIRE(stored->manifests().size() == 2);
  CHECK(stored->manifests()[0].platform->architecture == "s390x");
  CHECK(stored->manifests()[1].platform->architecture == "ppc64le");
}

/// Of the image of an origin, as cosign keeps it.
struct Signature {
  explicit Signature(const Origin& origin) : tag("sha256-" + origin.image.digest.hex() + ".sig") {
    test::Pusher pusher(origin.registry.authority());
    const auto store = pusher.repository("team/app");
    const Manifest manifest = image_for(*store, "signature");
    REQUIRE(store->put_manifest(manifest, std::vector{tag}, {}));
    digest = manifest.descriptor().digest;
  }

  const std::string tag;
  Digest digest;
};

TEST_CASE("signatures kept under tags go with their image, and once", "[copy]") {
  Origin origin;
  Client client(quick());
  const std::string repository = origin.registry.authority() + "/team/app";
  const Signature signature(origin);
  REQUIRE(client.copy(origin.name(), repository + ":latest"));
  Registry other;
  const std::string targets[] = {other.authority() + "/app"};
  REQUIRE(client.copy(origin.name(), targets));
  CHECK_FALSE(other.storage().tag("app", signature.tag));
  REQUIRE(client.copy(origin.name(), targets, {.digest_tags = true}));
  CHECK(other.storage().tag("app", signature.tag) == signature.digest);
  const auto all = client.copy(repository, targets, {.all_tags = TagChoice{}, .digest_tags = true}).value();
  CHECK(all.size() == 3);
}

TEST_CASE("signatures kept under tags come out of a file as they went in", "[copy]") {
  Origin origin;
  Client client(quick());
  const Signature signature(origin);
  const TempDir dir;
  const std::string files[] = {(dir.path() / "x.oci.tar").string(),
                               "oci:" + (dir.path() / "layout").string() + ":1"};
  for (const std::string& file : files) {
    CAPTURE(file);
    REQUIRE(client.copy(origin.name(), std::vector{file}, {.digest_tags = true}));
    Registry other;
    const std::string targets[] = {other.authority() + "/app:1"};
    const auto brought = client.copy(file, targets, {.digest_tags = true});
    if (!brought) FAIL(brought.error().to_string());
    CHECK(brought->size() == 2);
    CHECK(other.storage().tag("app", "1") == origin.image.digest);
    CHECK(other.storage().tag("app", signature.tag) == signature.digest);
    Registry without;
    REQUIRE(client.copy(file, std::vector{without.authority() + "/app:1"}, {}));
    CHECK_FALSE(without.storage().tag("app", signature.tag));
  }
}
