// The whole library through its front door, against a registry on loopback.

#include <davit/davit.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "codec/decompress.h"
#include "emulator/registry.h"
#include "io/memory.h"
#include "io/read_all.h"
#include "model/image_config.h"
#include "model/media_type.h"
#include "push_fixture.h"
#include "support/catch.h"
#include "support/fault_server.h"
#include "support/save_archive.h"
#include "support/temp_dir.h"

using namespace davit;
using davit::test::FaultServer;
using davit::test::quick;
using davit::test::Reply;
using davit::test::save_archive;
using davit::test::TempDir;
using emulator::Behaviour;
using Registry = emulator::Registry;

namespace {

const std::string kFixtures = DAVIT_FIXTURES;

/// Compresses well, differs by seed.
std::string layer(std::size_t size, int seed = 1) {
  std::string out;
  for (int i = seed * 1'000'000; out.size() < size; ++i)
    out += "line " + std::to_string(i) + " of a file that looks like text\n";
  out.resize(size);
  return out;
}

/// Does not compress.
std::string noise(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

std::string blob(Registry& registry, const std::string& repository, const Digest& digest) {
  const auto found = registry.storage().blob(repository, digest);
  REQUIRE(found);
  return emulator::Blob::read_all(found);
}

/// The layers of an image in the registry, unpacked, each checked against the config's diff_ids.
std::vector<std::string> unpacked(Registry& registry, const std::string& repository, const Digest& root) {
  const auto manifest = registry.storage().manifest(repository, root);
  REQUIRE(manifest);
  const auto config =
      model::ImageConfig::parse(blob(registry, repository, manifest->config()->digest)).value();
  REQUIRE(config.diff_ids.size() == manifest->layers().size());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < config.diff_ids.size(); ++i) {
    const Descriptor& stored = manifest->layers()[i];
    auto source = std::make_unique<io::MemorySource>(
        std::make_shared<const std::string>(blob(registry, repository, stored.digest)));
    const auto plain = codec::decompressing(model::compression_of(stored.media_type), std::move(source), {});
    out.push_back(io::read_all(*plain, 64 << 20).value());
    CHECK(Digest::of(out.back()) == config.diff_ids[i]);
  }
  return out;
}

std::size_t uploads(Registry& registry) {
  return registry.log("POST").size();
}

}  // namespace

TEST_CASE("row 100: an image from a tarball arrives, layers compressed, config unchanged") {
  Registry registry;
  Client client(quick());
  const auto pushed = client.push(kFixtures + "/docker24.tar", registry.authority() + "/app:1").value();
  CHECK(registry.storage().tag("app", "1") == pushed.root.digest);
  CHECK(pushed.root.media_type == model::kDockerManifest);
  CHECK(unpacked(registry, "app", pushed.root.digest).size() == 3);
  CHECK(registry.storage().open_uploads() == 0);
}

TEST_CASE("a second push of the same tarball is one request") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000), layer(200'000, 2)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const auto first = client.push(tar, registry.authority() + "/app:1").value();
  CHECK_FALSE(first.unchanged);
  registry.clear_log();
  const auto second = client.push(tar, registry.authority() + "/app:1").value();
  CHECK(second.unchanged);
  CHECK(second.root == first.root);
  CHECK(registry.log().size() == 1);
}

TEST_CASE("a new tag for an image that is there asks for no blob") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000), layer(200'000, 2)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const auto first = client.push(tar, registry.authority() + "/app:1").value();
  registry.clear_log();
  const auto second = client.push(tar, registry.authority() + "/app:2").value();
  CHECK(second.root == first.root);
  CHECK(registry.storage().tag("app", "2") == first.root.digest);
  CHECK(registry.log().size() == 4);  // the tag, the list of tags, the other image, the new tag
}

TEST_CASE("a new tag that shares all but its last layer sends that layer and the config") {
  const TempDir dir;
  const std::string base = layer(300'000);
  const auto one = dir.write("1.tar", save_archive({base, layer(1000, 2)}, "app:1")).string();
  const auto two = dir.write("2.tar", save_archive({base, layer(1000, 3)}, "app:2")).string();
  Registry registry;
  Client client(quick());
  REQUIRE(client.push(one, registry.authority() + "/app:1"));
  registry.clear_log();
  const auto pushed = client.push(two, registry.authority() + "/app:2").value();
  CHECK(pushed.blobs.reused == 1);
  CHECK(pushed.blobs.sent == 2);
  CHECK(uploads(registry) == 2);
  CHECK(unpacked(registry, "app", pushed.root.digest).front() == base);
}

TEST_CASE("reuse off compresses everything and gives the digest that depends on the archive alone") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const auto first = client.push(tar, registry.authority() + "/app:1").value();
  const auto again = client.push(tar, registry.authority() + "/app:2", {.reuse = Reuse::off}).value();
  CHECK(again.root.digest == first.root.digest);
  CHECK(again.blobs.reused == 0);
}

TEST_CASE("the digest does not depend on the number of threads") {
  const TempDir dir;
  const auto tar =
      dir.write("app.tar", save_archive({layer(5'000'000), layer(3'000'000, 2)}, "app:1")).string();
  Registry registry;
  for (const LayerCompression compression : {LayerCompression::gzip, LayerCompression::zstd}) {
    std::optional<Digest> digest;
    for (const std::size_t threads : {1, 2, 16}) {
      ClientOptions options = quick();
      options.compression_threads = threads;
      Client client(options);
      const auto pushed = client
                              .push(tar, registry.authority() + "/app:" + std::to_string(threads),
                                    {.compression = compression, .reuse = Reuse::off})
                              .value();
      if (!digest) digest = pushed.root.digest;
      CHECK(pushed.root.digest == *digest);
    }
  }
}

TEST_CASE("zstd makes an OCI manifest, and none leaves layers plain") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const auto zstd =
      client.push(tar, registry.authority() + "/zstd:1", {.compression = LayerCompression::zstd}).value();
  CHECK(zstd.root.media_type == model::kOciManifest);
  CHECK(registry.storage().manifest("zstd", zstd.root.digest)->layers()[0].media_type ==
        "application/vnd.oci.image.layer.v1.tar+zstd");
  unpacked(registry, "zstd", zstd.root.digest);
  const auto none = client
                        .push(tar, registry.authority() + "/none:1",
                              {.compression = LayerCompression::none, .format = ManifestFormat::oci})
                        .value();
  CHECK(registry.storage().manifest("none", none.root.digest)->layers()[0].media_type == model::kOciLayer);
  unpacked(registry, "none", none.root.digest);
}

TEST_CASE("an explicit compression is not satisfied by what is there in another one") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  REQUIRE(client.push(tar, registry.authority() + "/app:1"));
  const auto zstd =
      client.push(tar, registry.authority() + "/app:1", {.compression = LayerCompression::zstd}).value();
  CHECK_FALSE(zstd.unchanged);
  CHECK(zstd.root.media_type == model::kOciManifest);
}

TEST_CASE("rows 112 and 85: a layer that is not its diff_id fails, and no tag moves") {
  const TempDir dir;
  const std::string good = layer(2'500'000);
  std::string bad = good;
  bad[bad.size() - 1] ^= 1;
  const auto tar =
      dir.write("app.tar", save_archive({bad}, "app:1", {Digest::of(good).to_string()})).string();
  Registry registry;
  Client client(quick());
  for (const auto compression : {LayerCompression::gzip, LayerCompression::zstd, LayerCompression::none}) {
    const auto pushed = client.push(tar, registry.authority() + "/app:1", {.compression = compression});
    REQUIRE_FALSE(pushed);
    CHECK(pushed.error().code == Errc::corrupt);
    CHECK(pushed.error().side == Side::source);
    CHECK_FALSE(registry.storage().tag("app", "1"));
    CHECK(registry.storage().open_uploads() == 0);
  }
}

TEST_CASE("row 85: whichever step fails, the tag stays where it was") {
  const TempDir dir;
  const auto before = dir.write("before.tar", save_archive({layer(1000)}, "app:1")).string();
  const auto after =
      dir.write("after.tar", save_archive({layer(1000, 2), noise(20'000'000)}, "app:1")).string();
  for (const char* step : {"POST", "PUT blob", "PUT manifest", "HEAD"}) {
    INFO(step);
    Registry registry;
    Client client(quick());
    const Digest old = client.push(before, registry.authority() + "/app:1").value().root.digest;
    const std::string authority = registry.authority();
    FaultServer front({.upstream = emulator::Address{.host = "127.0.0.1",
                                                     .port = static_cast<std::uint16_t>(std::stoi(
                                                         authority.substr(authority.find(':') + 1)))}});
    const std::string method = std::string(step).substr(0, std::string(step).find(' '));
    const std::string path = std::string(step) == "PUT manifest" ? "/v2/app/manifests/"
                             : std::string(step) == "PUT blob"   ? "/v2/app/blobs/"
                                                                 : "/v2/";
    front.on({.method = method, .path = path}, Reply{.status = 500});
    const auto pushed = client.push(after, front.authority() + "/app:1", {.reuse = Reuse::off});
    REQUIRE_FALSE(pushed);
    CHECK(pushed.error().code == Errc::unavailable);
    CHECK(registry.storage().tag("app", "1") == old);
  }
}

TEST_CASE("a registry that refuses PATCH gets the layer in one PUT, once its digest is known") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({noise(20'000'000)}, "app:1")).string();
  Registry registry;
  const std::string authority = registry.authority();
  FaultServer front({.upstream = emulator::Address{.host = "127.0.0.1",
                                                   .port = static_cast<std::uint16_t>(std::stoi(
                                                       authority.substr(authority.find(':') + 1)))}});
  front.on({.method = "PATCH"}, Reply{.status = 500});
  Client client(quick());
  const auto pushed = client.push(tar, front.authority() + "/app:1").value();
  CHECK(front.requests("PATCH").size() == 1);
  unpacked(registry, "app", pushed.root.digest);
}

TEST_CASE("several destinations are read once and each has its own result") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(3'000'000), layer(10'000, 2)}, "app:1")).string();
  Registry one;
  Registry two;
  Registry closed({.behaviour = {.auth = {.mode = emulator::Auth::Mode::basic}}});
  Client client(quick());
  const std::vector<std::string> destinations = {one.authority() + "/app:1", closed.authority() + "/app:1",
                                                 two.authority() + "/other:2,3"};
  const auto deliveries = client.push(tar, destinations).value();
  REQUIRE(deliveries.size() == 3);
  REQUIRE(deliveries[0].result);
  REQUIRE_FALSE(deliveries[1].result);
  REQUIRE(deliveries[2].result);
  CHECK(deliveries[1].result.error().code == Errc::unauthenticated);
  CHECK(deliveries[0].result->root.digest == deliveries[2].result->root.digest);
  CHECK(two.storage().tags("other") == std::vector<std::string>{"2", "3"});
  unpacked(two, "other", deliveries[2].result->root.digest);
}

TEST_CASE("a destination that fails in the middle of a layer does not disturb the other") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(30'000'000)}, "app:1")).string();
  Registry good;
  FaultServer bad;
  bad.on({.method = "POST"}, Reply{.status = 202, .headers = {{"Location", "/v2/app/blobs/uploads/1"}}});
  bad.on({.method = "PATCH"}, test::drop_with(test::After::reset));
  Client client(quick());
  const std::vector<std::string> destinations = {bad.authority() + "/app:1", good.authority() + "/app:1"};
  const auto deliveries =
      client.push(tar, destinations, {.compression = LayerCompression::none, .reuse = Reuse::off}).value();
  CHECK_FALSE(deliveries[0].result);
  REQUIRE(deliveries[1].result);
  unpacked(good, "app", deliveries[1].result->root.digest);
}

TEST_CASE("a destination that blocks does not keep the other from its tag") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000), layer(200'000, 2)}, "app:1")).string();
  Registry good;
  FaultServer blocked;
  blocked.on({.method = "POST"}, Reply{.status = 202, .headers = {{"Location", "/v2/app/blobs/uploads/1"}}});
  blocked.on({.method = "PUT"}, test::never_answer());
  Client client(quick());
  const std::vector<std::string> destinations = {blocked.authority() + "/app:1", good.authority() + "/app:1"};
  std::stop_source stop;
  Transfer transfer = client.start_push(tar, destinations, {.stop = stop.get_token()});
  while (!good.storage().tag("app", "1"))
    static_cast<void>(transfer.wait_for(std::chrono::milliseconds(5)));  // never, if it waited
  stop.request_stop();
  const auto deliveries = transfer.result().value();
  CHECK(deliveries[0].result.error().code == Errc::cancelled);
  unpacked(good, "app", *good.storage().tag("app", "1"));  // whether or not the answer came before the stop
}

TEST_CASE("one run gives one digest: what one destination holds in another form is not reused") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000)}, "app:1")).string();
  Registry one;
  Registry two;
  Client client(quick());
  REQUIRE(client.push(tar, one.authority() + "/app:1", {.compression = LayerCompression::zstd}));
  const std::vector<std::string> destinations = {one.authority() + "/app:1", two.authority() + "/app:1"};
  const auto deliveries = client.push(tar, destinations).value();
  REQUIRE((deliveries[0].result && deliveries[1].result));
  CHECK(deliveries[0].result->root.digest == deliveries[1].result->root.digest);
  CHECK(one.storage().tag("app", "1") == two.storage().tag("app", "1"));
}

TEST_CASE("a run that reached one of two destinations can be run again and finishes the other") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(3'000'000)}, "app:1")).string();
  Registry one;
  Registry two;
  Client client(quick());
  REQUIRE(client.push(tar, one.authority() + "/app:1"));
  one.clear_log();
  const std::vector<std::string> destinations = {one.authority() + "/app:1", two.authority() + "/app:1"};
  const auto deliveries = client.push(tar, destinations).value();
  REQUIRE((deliveries[0].result && deliveries[1].result));
  CHECK(deliveries[0].result->unchanged);
  CHECK(uploads(one) == 0);
}

TEST_CASE("all images of an archive go through a template") {
  Registry registry;
  Client client(quick());
  const TempDir dir;
  const std::string a = layer(5000);
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
      Digest::of(a).to_string() + R"("]}})";
  const auto tar =
      dir.write("two.tar",
                test::tar_entry("a.tar", a) + test::tar_entry("c.json", config) +
                    test::tar_entry("d.json", config + "\n") +
                    test::tar_entry(
                        "manifest.json",
                        R"([{"Config":"c.json","RepoTags":["team/one:1","team/one:2"],"Layers":["a.tar"]},
                                                {"Config":"d.json","RepoTags":["quay.io/two:1"],"Layers":["a.tar"]}])") +
                    std::string(1024, '\0'))
          .string();
  const std::vector<std::string> destinations = {registry.authority() + "/mirror/{repo}:{tag}"};
  const auto deliveries = client.push(tar, destinations).value();
  REQUIRE(deliveries.size() == 2);
  for (const Delivery& delivery : deliveries) CHECK(delivery.result);
  CHECK(registry.storage().tags("mirror/team/one") == std::vector<std::string>{"1", "2"});
  CHECK(registry.storage().tags("mirror/two") == std::vector<std::string>{"1"});
  // Two images under one tag: neither is sent.
  registry.clear_log();
  for (const char* shared : {"/all:{tag}", "/all/{repo}:latest,{tag}"}) {
    const auto refused = client.push(tar, std::vector<std::string>{registry.authority() + shared});
    CHECK((!refused && refused.error().code == Errc::invalid_argument) ==
          (std::string(shared) == "/all:{tag}"));
  }
  // An image without a name has nothing to fill the template with: nothing is sent at all.
  registry.clear_log();
  CHECK(client.push(kFixtures + "/three_images.tar", destinations).error().code == Errc::invalid_argument);
  CHECK(registry.log().empty());
}

TEST_CASE("row 104: without a choice nothing is taken, and the choices are listed") {
  Registry registry;
  Client client(quick());
  const auto pushed = client.push(kFixtures + "/three_images.tar", registry.authority() + "/app:1");
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().code == Errc::invalid_argument);
  CHECK(registry.log().empty());
}

TEST_CASE("no-clobber protects a tag, and the same image is success") {
  const TempDir dir;
  const auto one = dir.write("1.tar", save_archive({layer(1000)}, "app:1")).string();
  const auto two = dir.write("2.tar", save_archive({layer(1000, 2)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const PushOptions careful{.on_existing_tag = OnExistingTag::fail};
  REQUIRE(client.push(one, registry.authority() + "/app:1", careful));
  CHECK(client.push(one, registry.authority() + "/app:1", careful));
  registry.clear_log();
  const auto refused = client.push(two, registry.authority() + "/app:1", careful);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK(uploads(registry) == 0);
}

TEST_CASE("no-clobber holds where the digest is known late, and for tags that may not be looked at") {
  const TempDir dir;
  const auto tar = dir.write("1.tar", save_archive({layer(100'000)}, "app:1")).string();
  Registry one;
  Registry two;
  Client client(quick());
  const Digest before = client.push(tar, one.authority() + "/app:1", {.compression = LayerCompression::zstd})
                            .value()
                            .root.digest;
  // The first holds the same image in another form, the second nothing: one run gives one digest, and it is a
  // new one.
  const auto deliveries =
      client
          .push(tar, std::vector<std::string>{one.authority() + "/app:1", two.authority() + "/app:1"},
                {.on_existing_tag = OnExistingTag::fail})
          .value();
  REQUIRE_FALSE(deliveries[0].result);
  CHECK(deliveries[0].result.error().code == Errc::already_exists);
  CHECK(deliveries[1].result);
  CHECK(one.storage().tag("app", "1") == before);

  FaultServer blind;
  blind.on({.method = "PUT"}, Reply{.status = 201});
  blind.on({.method = "HEAD"}, Reply{.status = 403});
  blind.on({.method = "GET"}, Reply{.status = 403});
  const auto refused =
      client.push(tar, blind.authority() + "/app:1", {.on_existing_tag = OnExistingTag::fail});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::denied);
  CHECK(blind.requests("PUT").empty());
}

TEST_CASE("row 68: an immutable tag with the same digest is success, with another a conflict") {
  const TempDir dir;
  const auto one = dir.write("1.tar", save_archive({layer(1000)}, "app:1")).string();
  const auto two = dir.write("2.tar", save_archive({layer(1000, 2)}, "app:1")).string();
  Registry registry({.behaviour = {.immutable_tags = true}});
  Client client(quick());
  REQUIRE(client.push(one, registry.authority() + "/app:1"));
  CHECK(client.push(one, registry.authority() + "/app:1", {.reuse = Reuse::off}));
  const auto refused = client.push(two, registry.authority() + "/app:1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
}

TEST_CASE("a plan writes nothing and says what would move") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(300'000), layer(1000, 2)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const std::vector<std::string> destinations = {registry.authority() + "/app:1"};
  const auto before = client.plan_push(tar, destinations).value();
  REQUIRE(before.size() == 1);
  CHECK(before[0].changes());
  CHECK(before[0].to_send.size() == 3);
  CHECK(before[0].tags.size() == 1);
  for (const char* method : {"POST", "PUT", "PATCH"}) CHECK(registry.log(method).empty());
  const Digest root = client.push(tar, registry.authority() + "/app:1").value().root.digest;
  const auto after = client.plan_push(tar, destinations).value();
  CHECK_FALSE(after[0].changes());
  CHECK(after[0].root->digest == root);
}

TEST_CASE("reuse verified does not take a blob that is not the layer, plain reuse trusts the repository") {
  const TempDir dir;
  const std::string real = layer(50'000);
  const auto tar = dir.write("real.tar", save_archive({real}, "app:2")).string();
  Registry registry;
  Client client(quick());
  // Somebody with push rights states that another blob is that layer.
  const std::string lie = layer(50'000, 9);
  const auto lying = dir.write("lie.tar", save_archive({lie}, "app:1")).string();
  const auto pushed = client.push(lying, registry.authority() + "/app:0").value();
  const Manifest image = *registry.storage().manifest("app", pushed.root.digest);
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
      Digest::of(real).to_string() + R"("]}})";
  registry.storage().put_blob("app", Digest::of(config), config);
  std::string forged = image.bytes();
  forged.replace(forged.find(image.config()->digest.to_string()), image.config()->digest.to_string().size(),
                 Digest::of(config).to_string());
  const std::string size = "\"size\": " + std::to_string(image.config()->size);
  forged.replace(forged.find(size), size.size(), "\"size\": " + std::to_string(config.size()));
  const Manifest forgery = Manifest::parse(forged, image.descriptor().media_type).value();
  registry.storage().put_manifest("app", forgery);
  registry.storage().set_tag("app", "1", forgery.descriptor().digest);
  registry.storage().remove_tag("app", "0");

  const auto trusting = client.push(tar, registry.authority() + "/app:2").value();
  CHECK(trusting.blobs.reused == 1);
  CHECK(client.push(tar, registry.authority() + "/app:3", {.reuse = Reuse::tag}).value().blobs.reused == 0);
  registry.storage().remove_tag("app", "2");
  registry.storage().remove_tag("app", "3");
  const auto careful = client.push(tar, registry.authority() + "/app:2", {.reuse = Reuse::verified}).value();
  CHECK(careful.blobs.reused == 0);
  CHECK(unpacked(registry, "app", careful.root.digest).front() == real);
  registry.storage().remove_tag("app", "1");
  CHECK(client.push(tar, registry.authority() + "/app:3", {.reuse = Reuse::verified}).value().blobs.reused ==
        1);
}

TEST_CASE("a registry that lost a blob it is said to have gets everything again") {
  const TempDir dir;
  const std::string base = layer(300'000);
  const auto one = dir.write("1.tar", save_archive({base, layer(1000, 2)}, "app:1")).string();
  const auto two = dir.write("2.tar", save_archive({base, layer(1000, 3)}, "app:2")).string();
  Registry registry;
  Client client(quick());
  const Digest root = client.push(one, registry.authority() + "/app:1").value().root.digest;
  registry.storage().remove_blob("app", registry.storage().manifest("app", root)->layers()[0].digest);
  const auto pushed = client.push(two, registry.authority() + "/app:2");
  if (!pushed) FAIL(pushed.error().to_string());
  CHECK(unpacked(registry, "app", pushed->root.digest).front() == base);
}

TEST_CASE("one run gives one digest, also when one of two registries lost a blob") {
  const TempDir dir;
  const std::string base = layer(300'000);
  const auto one = dir.write("1.tar", save_archive({base, layer(1000, 2)}, "app:1")).string();
  const auto two = dir.write("2.tar", save_archive({base, layer(1000, 3)}, "app:2")).string();
  Registry whole;
  Registry lossy;
  Client client(quick());
  const std::vector<std::string> first = {whole.authority() + "/app:1", lossy.authority() + "/app:1"};
  // What is reused was compressed in another way than the second push would.
  const auto before = client.push(one, first, {.compression_level = 9}).value();
  const Digest root = before[1].result.value().root.digest;
  lossy.storage().remove_blob("app", lossy.storage().manifest("app", root)->layers()[0].digest);

  const std::vector<std::string> second = {whole.authority() + "/app:2", lossy.authority() + "/app:2"};
  const auto after = client.push(two, second).value();
  REQUIRE((after[0].result && after[1].result));
  CHECK(after[0].result->root.digest == after[1].result->root.digest);
  for (Registry* registry : {&whole, &lossy}) {
    CHECK(registry->storage().tag("app", "2") == after[0].result->root.digest);
    CHECK(unpacked(*registry, "app", after[0].result->root.digest).front() == base);
  }
}

TEST_CASE("row 117: an image with a manifest of its own travels unchanged") {
  Registry registry;
  Client client(quick());
  for (const char* name : {"buildkit_oci.tar", "podman_oci.tar", "jib_oci.tar", "rules_oci", "kaniko_oci.tar",
                           "docker29.tar", "docker29_two.tar"}) {
    INFO(name);
    const auto pushed = client.push(kFixtures + "/" + name, registry.authority() + "/app:1");
    if (!pushed) FAIL(pushed.error().to_string());
    CHECK(registry.storage().tag("app", "1") == pushed->root.digest);
    const auto again = client.push(kFixtures + "/" + name, registry.authority() + "/app:1").value();
    CHECK(again.unchanged);
    const auto elsewhere = client.push(kFixtures + "/" + name, registry.authority() + "/app:2").value();
    CHECK(elsewhere.blobs.sent == 0);
    CHECK(elsewhere.root.digest == pushed->root.digest);
  }
}

TEST_CASE("row 103: platforms that are not there are an error when digests must be kept") {
  Registry registry;
  Client client(quick());
  const auto pushed =
      client.push(kFixtures + "/docker29.tar", registry.authority() + "/app:1", {.preserve_digests = true});
  REQUIRE_FALSE(pushed);
  CHECK(registry.storage().tags("app").empty());
}

TEST_CASE("an image from one registry goes to another unchanged") {
  Registry from;
  Registry to;
  Client client(quick());
  const auto first = client.push(kFixtures + "/docker29_two.tar", from.authority() + "/app:1").value();
  const auto copied = client.push(from.authority() + "/app:1", to.authority() + "/copy:1").value();
  CHECK(copied.root == first.root);
  CHECK(to.storage().tag("copy", "1") == first.root.digest);
}

TEST_CASE("row 66: within one registry blobs are mounted, and sent where that is refused") {
  const TempDir dir;
  const auto tar = dir.write("1.tar", save_archive({layer(100'000), layer(50'000, 2)}, "app:1")).string();
  for (const bool mounts : {true, false}) {
    Behaviour behaviour;
    if (!mounts) behaviour.mount_status = 202;
    Registry registry({.behaviour = behaviour});
    Client client(quick());
    const Digest root = client.push(tar, registry.authority() + "/team/one:1").value().root.digest;
    const auto copied =
        client.push(registry.authority() + "/team/one:1", registry.authority() + "/two:1").value();
    CHECK(copied.root.digest == root);
    CHECK(copied.blobs.mounted == (mounts ? 3u : 0u));
    CHECK(copied.blobs.sent == (mounts ? 0u : 3u));
    CHECK(unpacked(registry, "two", root).size() == 2);
  }
}

TEST_CASE("a destination that names a digest gets exactly that image or nothing") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(1000)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const Digest digest = client.push(tar, registry.authority() + "/app:1").value().root.digest;
  CHECK(client.push(tar, registry.authority() + "/app:2@" + digest.to_string()));
  const auto other = client.push(tar, registry.authority() + "/app:3@" + Digest::of("other").to_string());
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::conflict);
  CHECK_FALSE(registry.storage().tag("app", "3"));
}

TEST_CASE("the archive's own tag is taken when it has exactly one, else the corrected line is shown") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(1000)}, "team/app:1.4")).string();
  Registry registry;
  Client client(quick());
  REQUIRE(client.push(tar, registry.authority() + "/app"));
  CHECK(registry.storage().tags("app") == std::vector<std::string>{"1.4"});
  const auto nameless = client.push(kFixtures + "/rules_oci", registry.authority() + "/x");
  REQUIRE_FALSE(nameless);
  CHECK(nameless.error().code == Errc::invalid_argument);
  CHECK(nameless.error().hint.find(registry.authority() + "/x:TAG") != std::string::npos);
}

TEST_CASE("a missing file, a wrong file and a missing image are three different errors") {
  Client client(quick());
  CHECK(client.push("/nonexistent/app.tar", "127.0.0.1:1/app:1").error().code == Errc::local_io);
  const TempDir dir;
  CHECK(client.push(dir.write("page.tar", "<!DOCTYPE html><html>").string(), "127.0.0.1:1/app:1")
            .error()
            .code == Errc::corrupt);
  const auto tar = dir.write("app.tar", save_archive({layer(1000)}, "app:1")).string();
  CHECK(client.push("docker-archive:" + tar + ":app:2", "127.0.0.1:1/app:1").error().code == Errc::not_found);
  CHECK(client.push(tar, tar).error().code == Errc::invalid_argument);
}

TEST_CASE("an observer hears of a transfer in order and of its end once") {
  struct Ear final : Observer {
    void planned(const Progress& progress) override {
      events.push_back("planned " + std::to_string(progress.blobs_total));
    }
    void started(const std::string&) override { ++started_blobs; }
    void done(const std::string&) override { ++done_blobs; }
    void finished(const std::vector<Delivery>& deliveries) override {
      events.push_back("finished " + std::to_string(deliveries.size()));
    }
    std::vector<std::string> events;
    int started_blobs = 0;
    int done_blobs = 0;
  } ear;
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(1000), layer(1000, 2)}, "app:1")).string();
  Registry registry;
  Client client(quick());
  auto transfer = client.start_push(tar, {registry.authority() + "/app:1"}, {.observer = &ear});
  const auto deliveries = transfer.result().value();
  CHECK(ear.events == std::vector<std::string>{"planned 3", "finished 1"});
  CHECK(ear.started_blobs == 3);
  CHECK(ear.done_blobs == 3);
  const Progress progress = transfer.progress();
  CHECK(progress.bytes_done == progress.bytes_total);
}

TEST_CASE("row 83, row 84: a transfer that is cancelled or dropped ends, and leaves no session behind") {
  const TempDir dir;
  const auto tar = dir.write("app.tar", save_archive({layer(20'000'000)}, "app:1")).string();
  Registry registry;
  const std::string authority = registry.authority();
  FaultServer front({.upstream = emulator::Address{.host = "127.0.0.1",
                                                   .port = static_cast<std::uint16_t>(std::stoi(
                                                       authority.substr(authority.find(':') + 1)))}});
  front.on({.method = "PUT", .early = 1}, test::never_answer());
  Client client(quick());
  // The layer and the configuration: both sessions are known to the client by the time their PUTs arrive.
  const auto under_way = [&](std::size_t puts) {
    return front.wait_until([&] { return front.requests("PUT").size() == puts; });
  };
  auto transfer =
      client.start_push(tar, {front.authority() + "/app:1"}, {.compression = LayerCompression::none});
  CHECK(under_way(2));
  transfer.cancel();
  const auto deliveries = transfer.result();
  REQUIRE(deliveries);
  REQUIRE_FALSE(deliveries->front().result);
  CHECK(deliveries->front().result.error().code == Errc::cancelled);
  {
    const auto dropped =
        client.start_push(tar, {front.authority() + "/app:2"}, {.compression = LayerCompression::none});
    CHECK(under_way(4));
  }
  CHECK(registry.storage().tags("app").empty());
  CHECK(registry.uploads().begun == 4);
  CHECK(registry.uploads().cancelled == 4);
}

TEST_CASE("a client that goes ends what it began, and its transfers say so") {
  FaultServer silent;
  silent.on({}, test::never_answer());
  std::optional<Transfer> transfer;
  {
    Client client(quick());
    transfer = client.start_push(kFixtures + "/docker24.tar", {silent.authority() + "/app:1"});
    while (silent.requests().empty()) static_cast<void>(transfer->wait_for(std::chrono::milliseconds(5)));
  }
  const auto deliveries = transfer->result();
  REQUIRE(deliveries);
  CHECK(deliveries->front().result.error().code == Errc::cancelled);
}

TEST_CASE("row 97: several pushes of one client at once") {
  const TempDir dir;
  Registry registry;
  Client client(quick());
  std::vector<Transfer> transfers;
  for (int i = 0; i < 8; ++i) {
    const auto tar =
        dir.write(std::to_string(i) + ".tar", save_archive({layer(100'000), layer(10'000, i + 2)}, "app:1"))
            .string();
    transfers.push_back(client.start_push(tar, {registry.authority() + "/app:" + std::to_string(i)}));
  }
  for (Transfer& transfer : transfers) CHECK(transfer.result().value().front().result);
  CHECK(registry.storage().tags("app").size() == 8);
}

TEST_CASE("row 128: repeated layers are sent once and stay where they are") {
  const TempDir dir;
  const std::string a = layer(50'000);
  const std::string b = layer(50'000, 2);
  const auto tar = dir.write("app.tar", save_archive({a, a, b, a}, "app:1")).string();
  Registry registry;
  Client client(quick());
  const auto pushed = client.push(tar, registry.authority() + "/app:1").value();
  CHECK(pushed.blobs.sent == 3);
  CHECK(unpacked(registry, "app", pushed.root.digest) == std::vector<std::string>{a, a, b, a});
}
