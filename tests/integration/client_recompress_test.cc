// Layers that are compressed anew on their way, and the manifests and indexes above them.

#include <davit/davit.h>

#include <algorithm>
#include <fstream>

#include "codec/block_encoder.h"
#include "codec/decompress.h"
#include "emulator/registry.h"
#include "io/read_all.h"
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
using emulator::Address;
using model::Compression;
using model::Format;
using Registry = emulator::Registry;

namespace {

CopyOptions anew(LayerCompression compression) {
  return {.compression = compression, .recompress = true};
}

std::string packed(const std::string& plain, Compression kind) {
  if (kind == Compression::none) return plain;
  const auto encoder = codec::BlockEncoder::create({kind, {}});
  std::string out(codec::kEncodedMax, '\0');
  out.resize(encoder->encode(std::as_bytes(std::span(plain)), std::as_writable_bytes(std::span(out))));
  return out;
}

std::string unpacked(const std::string& stored, Compression kind) {
  auto source = io::MemoryContent(stored, "").open(0, {}).value();
  return io::read_all(*codec::decompressing(kind, std::move(source), {}), 64u << 20).value();
}

struct SampleLayer {
  std::string plain;
  Compression kind = Compression::gzip;
};

std::string config_of(const std::vector<SampleLayer>& layers, const std::string& architecture) {
  std::string ids;
  for (const SampleLayer& layer : layers)
    ids += (ids.empty() ? "\"" : ",\"") + Digest::of(layer.plain).to_string() + "\"";
  return R"({"architecture":")" + architecture + R"(","os":"linux","rootfs":{"type":"layers","diff_ids":[)" +
         ids + "]}}";
}

std::string json_of(const Descriptor& one, const std::string& more = "") {
  return R"({"mediaType":")" + one.media_type + R"(","digest":")" + one.digest.to_string() + R"(","size":)" +
         std::to_string(one.size) + more + "}";
}

Manifest index_of(const std::string& entries) {
  const std::string type(model::kOciIndex);
  return Manifest::parse(R"({"schemaVersion":2,"mediaType":")" + type + R"(","manifests":[)" + entries + "]}",
                         type)
      .value();
}

std::string platform_of(const std::string& architecture) {
  return R"(,"platform":{"os":"linux","architecture":")" + architecture + R"("})";
}

/// A registry to copy from.
struct Origin {
  Origin() : pusher(registry.authority()), repository(pusher.repository("team/app")) {}

  Descriptor put(const std::string& bytes, const std::string& media_type) {
    REQUIRE(repository->put_blob(test::blob_of(bytes), {}));
    return {.media_type = media_type, .digest = Digest::of(bytes), .size = bytes.size()};
  }
  Manifest put(Manifest manifest, const std::vector<std::string>& tags = {}) {
    REQUIRE(repository->put_manifest(manifest, tags, {}));
    registry.clear_log();
    return manifest;
  }
  Manifest image(const std::vector<SampleLayer>& layers, const std::vector<std::string>& tags = {"1"},
                 Format format = Format::oci, const std::string& architecture = "amd64") {
    std::vector<Descriptor> stored;
    for (const SampleLayer& layer : layers)
      stored.push_back(put(packed(layer.plain, layer.kind), model::layer_type(format, layer.kind)));
    const Descriptor config =
        put(config_of(layers, architecture),
            std::string(format == Format::oci ? model::kOciConfig : model::kDockerConfig));
    return put(Manifest::parse(model::image_manifest(format, config, stored), {}).value(), tags);
  }
  [[nodiscard]] std::string name(const std::string& tag = "1") const {
    return registry.authority() + "/team/app:" + tag;
  }
  std::size_t fetched(const Descriptor& blob) {
    return registry.log("GET", "/v2/team/app/blobs/" + blob.digest.to_string()).size();
  }

  Registry registry;
  test::Pusher pusher;
  std::unique_ptr<registry::Repository> repository;
};

std::string bytes_of(Registry& registry, const Digest& digest) {
  return emulator::Blob::read_all(registry.storage().blob("app", digest));
}

Manifest stored(Registry& registry, const Digest& digest) {
  const auto found = registry.storage().manifest("app", digest);
  REQUIRE(found);
  return *found;
}

/// Every layer has this form, and unpacks to what it was before.
void check_layers(Registry& registry, const Manifest& image, const std::vector<SampleLayer>& layers,
                  Compression kind) {
  REQUIRE(image.layers().size() == layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Descriptor& layer = image.layers()[i];
    CHECK(model::compression_of(layer.media_type) == kind);
    const std::string bytes = bytes_of(registry, layer.digest);
    CHECK(bytes.size() == layer.size);
    CHECK((unpacked(bytes, kind) == layers[i].plain));
  }
}

struct Notes : Observer {
  std::string all;
  void note(const std::string& text) override { all += text + "\n"; }
};

const std::vector<SampleLayer> kTwo = {{test::sample(300'000), Compression::gzip},
                                       {std::string(5000, 'x'), Compression::gzip}};

}  // namespace

TEST_CASE("gzip layers become zstd, the config stays, and the user hears that the digest changes") {
  Origin origin;
  const Manifest before = origin.image(kTwo);
  Registry other;
  Client client(quick());
  Notes notes;
  CopyOptions options = anew(LayerCompression::zstd);
  options.observer = &notes;
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  CHECK(copied.root.digest != before.descriptor().digest);
  CHECK(notes.all.find(before.descriptor().digest.to_string()) != std::string::npos);
  const Manifest after = stored(other, copied.root.digest);
  CHECK(other.storage().tag("app", "1") == copied.root.digest);
  CHECK(after.descriptor().media_type == model::kOciManifest);
  CHECK(after.config() == before.config());
  check_layers(other, after, kTwo, Compression::zstd);
  for (const Descriptor& layer : before.layers()) CHECK(origin.fetched(layer) == 1);
}

TEST_CASE("a second copy with layers compressed anew fetches no layer and changes nothing") {
  Origin origin;
  const auto before = origin.image(kTwo);
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::zstd);
  const auto first = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  origin.registry.clear_log();
  other.clear_log();
  options.on_existing_tag = GENERATE(OnExistingTag::replace, OnExistingTag::fail);
  const auto again = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  CHECK(again.root == first.root);
  CHECK(again.unchanged);
  for (const Descriptor& layer : before.layers()) CHECK(origin.fetched(layer) == 0);
  CHECK(other.log("PUT").empty());
  CHECK(other.log("POST").empty());
}

TEST_CASE("a layer is not compressed again for another tag of the repository") {
  Origin origin;
  const auto before = origin.image(kTwo);
  std::vector<SampleLayer> more = kTwo;
  more.push_back({"a third layer", Compression::gzip});
  origin.image(more, {"2"});
  Registry other;
  Client client(quick());
  REQUIRE(client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)));
  origin.registry.clear_log();
  const auto next =
      client.copy(origin.name("2"), other.authority() + "/app:2", anew(LayerCompression::zstd)).value();
  CHECK(next.blobs.reused == 2);
  for (const Descriptor& layer : before.layers()) CHECK(origin.fetched(layer) == 0);
  check_layers(other, stored(other, next.root.digest), more, Compression::zstd);
}

TEST_CASE("an earlier image with layers in another form is of no use") {
  Origin origin;
  origin.image(kTwo);
  Registry other;
  Client client(quick());
  REQUIRE(client.copy(origin.name(), other.authority() + "/app:1"));
  const auto copied =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  CHECK(copied.blobs.reused == 0);
  check_layers(other, stored(other, copied.root.digest), kTwo, Compression::zstd);
  const auto back =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::gzip)).value();
  check_layers(other, stored(other, back.root.digest), kTwo, Compression::gzip);
}

TEST_CASE("layers become what was asked for, from whatever they are") {
  const auto [compression, kind] = GENERATE(std::pair(LayerCompression::automatic, Compression::gzip),
                                            std::pair(LayerCompression::gzip, Compression::gzip),
                                            std::pair(LayerCompression::zstd, Compression::zstd),
                                            std::pair(LayerCompression::none, Compression::none));
  const Compression from = GENERATE(Compression::none, Compression::gzip, Compression::zstd);
  const std::vector<SampleLayer> layers = {
      {test::sample(400'000, 7), from}, {"", from}, {std::string(128 << 10, 'y'), from}};
  Origin origin;
  const Manifest before = origin.image(layers);
  Registry other;
  Client client(quick());
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", anew(compression)).value();
  check_layers(other, stored(other, copied.root.digest), layers, kind);
  // What has the wanted form already keeps its bytes.
  CHECK((copied.root == before.descriptor()) == (from == kind));
}

TEST_CASE("a layer that has the wanted compression is compressed anew only when nothing is reused") {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "line " + std::to_string(i * 7919) + " of a file\n";
  const std::vector<SampleLayer> layers = {{text, Compression::gzip}};
  Origin origin;
  const Manifest before = origin.image(layers);
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::gzip);
  options.compression_level = 9;
  CHECK(client.copy(origin.name(), other.authority() + "/app:1", options).value().root ==
        before.descriptor());
  options.reuse = Reuse::off;
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  CHECK(copied.root.digest != before.descriptor().digest);
  check_layers(other, stored(other, copied.root.digest), layers, Compression::gzip);
}

TEST_CASE("an index is written again over its images, and a layer they share is compressed once") {
  const SampleLayer shared{test::sample(200'000), Compression::gzip};
  Origin origin;
  std::string entries;
  std::vector<Manifest> images;
  for (const std::string architecture : {"amd64", "arm64"}) {
    images.push_back(
        origin.image({shared, {"only " + architecture, Compression::gzip}}, {}, Format::oci, architecture));
    const std::string statement = R"({"about":")" + architecture + R"("})";
    const Descriptor config = origin.put(config_of({{statement}}, "unknown"), std::string(model::kOciConfig));
    const Manifest about = origin.put(
        Manifest::parse(model::image_manifest(Format::oci, config,
                                              {origin.put(statement, "application/vnd.in-toto+json")}),
                        {})
            .value());
    entries += (entries.empty() ? "" : ",") + json_of(images.back().descriptor(), platform_of(architecture)) +
               "," +
               json_of(about.descriptor(), R"(,"platform":{"os":"unknown","architecture":"unknown"},)"
                                           R"("annotations":{"vnd.docker.reference.type":)"
                                           R"("attestation-manifest","vnd.docker.reference.digest":")" +
                                               images.back().descriptor().digest.to_string() + R"("})");
  }
  const Manifest nested = origin.put(index_of(entries));
  origin.put(index_of(json_of(nested.descriptor(), R"(,"annotations":{"kept":"yes"})")), {"1"});
  Registry other;
  Client client(quick());
  const auto copied =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  CHECK(origin.fetched(images.front().layers().front()) == 1);
  const Manifest top = stored(other, copied.root.digest);
  CHECK(top.manifests().at(0).annotations.at("kept") == "yes");
  const Manifest now = stored(other, top.manifests().at(0).digest);
  REQUIRE(now.manifests().size() == 4);
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    const std::string architecture = i == 0 ? "amd64" : "arm64";
    const Descriptor& image = now.manifests()[i];
    CHECK(image.platform->architecture == architecture);
    check_layers(other, stored(other, image.digest), {shared, {"only " + architecture}}, Compression::zstd);
    const Descriptor& about = now.manifests()[i + 1];
    CHECK(about.digest == nested.manifests()[i + 1].digest);
    CHECK(about.annotations.at("vnd.docker.reference.digest") == image.digest.to_string());
  }
  origin.registry.clear_log();
  const auto again =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  CHECK(again.root == copied.root);
  CHECK(again.unchanged);
  CHECK(origin.fetched(images.front().layers().front()) == 0);
}

TEST_CASE("Docker's manifests become OCI where zstd needs it, and stay Docker's with gzip") {
  const auto [from, to, format] =
      GENERATE(std::tuple(Compression::gzip, LayerCompression::zstd, Format::oci),
               std::tuple(Compression::none, LayerCompression::gzip, Format::docker));
  Origin origin;
  const Manifest image = origin.image({{"a layer", from}}, {}, Format::docker);
  const std::string list(model::kDockerList);
  origin.put(Manifest::parse(R"({"schemaVersion":2,"mediaType":")" + list + R"(","manifests":[)" +
                                 json_of(image.descriptor(), platform_of("amd64")) + "]}",
                             list)
                 .value(),
             {"1"});
  Registry other;
  Client client(quick());
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", anew(to)).value();
  const bool oci = format == Format::oci;
  CHECK(copied.root.media_type == (oci ? model::kOciIndex : model::kDockerList));
  const Descriptor child = stored(other, copied.root.digest).manifests().at(0);
  CHECK(child.media_type == (oci ? model::kOciManifest : model::kDockerManifest));
  const Manifest now = stored(other, child.digest);
  CHECK(now.config()->media_type == (oci ? model::kOciConfig : model::kDockerConfig));
  CHECK(now.config()->digest == image.config()->digest);
  CHECK(now.layers().at(0).media_type ==
        model::layer_type(format, oci ? Compression::zstd : Compression::gzip));
}

TEST_CASE("zstd layers fit into Docker's format when they become gzip on the way") {
  Origin origin;
  const std::vector<SampleLayer> layers = {{"a layer", Compression::zstd}, {"another", Compression::gzip}};
  origin.image(layers);
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::gzip);
  options.format = ManifestFormat::docker;
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  CHECK(copied.root.media_type == model::kDockerManifest);
  const Manifest now = stored(other, copied.root.digest);
  for (const Descriptor& layer : now.layers())
    CHECK(layer.media_type == model::layer_type(Format::docker, Compression::gzip));
  check_layers(other, now, layers, Compression::gzip);
}

TEST_CASE("what Docker's format cannot hold is said before a layer is made") {
  Origin origin;
  const Manifest image = origin.image(kTwo, {});
  const Descriptor other_type = origin.put("{}", "application/vnd.example+json");
  const Manifest odd =
      origin.put(Manifest::parse(
                     model::image_manifest(Format::oci, *image.config(), {image.layers()[0], other_type}), {})
                     .value(),
                 {});
  origin.put(index_of(json_of(image.descriptor(), platform_of("amd64")) + "," +
                      json_of(odd.descriptor(), platform_of("arm64"))),
             {"1"});
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::zstd);
  options.format = ManifestFormat::docker;
  const auto refused = client.copy(origin.name(), other.authority() + "/app:1", options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().side == Side::source);
  CHECK(other.log("POST").empty());
}

TEST_CASE("uncompressed layers that come with a manifest stay, and whoever wanted them compressed is told") {
  struct Notes : Observer {
    void note(const std::string& text) override { said += text; }
    std::string said;
  };
  Origin origin;
  const Manifest image = origin.image({{"plain", Compression::none}});
  Registry other;
  Client client(quick());
  Notes notes;
  CopyOptions options;
  options.compression = LayerCompression::zstd;
  options.observer = &notes;
  CHECK(client.copy(origin.name(), other.authority() + "/app:1", options).value().root.digest ==
        image.descriptor().digest);
  CHECK(notes.said.find("--recompress") != std::string::npos);
}

TEST_CASE("a format is still given to an image that has the wanted layers already") {
  Origin origin;
  const Manifest before = origin.image(kTwo, {"1"}, Format::docker);
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::gzip);
  options.format = ManifestFormat::oci;
  Notes notes;
  options.observer = &notes;
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", options).value();
  CHECK(copied.root.media_type == model::kOciManifest);
  CHECK(notes.all.find(before.descriptor().digest.to_string()) != std::string::npos);
  check_layers(other, stored(other, copied.root.digest), kTwo, Compression::gzip);
}

TEST_CASE("artifacts and what is no tar of a container image stay byte for byte") {
  Origin origin;
  const Descriptor chart =
      origin.put(packed("a chart", Compression::gzip), "application/vnd.oci.image.layer.v1.tar+gzip");
  const Descriptor about = origin.put("{}", "application/vnd.example.chart.config.v1+json");
  const Manifest artifact =
      origin.put(Manifest::parse(model::image_manifest(Format::oci, about, {chart}), {}).value(), {"chart"});
  Registry other;
  Client client(quick());
  CHECK(client.copy(origin.name("chart"), other.authority() + "/app:chart", anew(LayerCompression::zstd))
            .value()
            .root == artifact.descriptor());
  CHECK(bytes_of(other, chart.digest) == packed("a chart", Compression::gzip));

  const SampleLayer plain{"a layer", Compression::gzip};
  const Descriptor layer =
      origin.put(packed(plain.plain, plain.kind), std::string(model::kOciLayer) + "+gzip");
  const Descriptor secret = origin.put("sealed", std::string(model::kOciLayer) + "+gzip+encrypted");
  const Descriptor odd = origin.put("odd", "application/vnd.example.layer");
  const Descriptor foreign = origin.put(packed("windows", Compression::gzip),
                                        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
  const Descriptor config = origin.put(config_of({plain, {"sealed"}, {"odd"}, {"windows"}}, "amd64"),
                                       std::string(model::kOciConfig));
  origin.put(
      Manifest::parse(model::image_manifest(Format::oci, config, {layer, secret, odd, foreign}), {}).value(),
      {"1"});
  const auto copied =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  const Manifest now = stored(other, copied.root.digest);
  REQUIRE(now.layers().size() == 4);
  CHECK(now.layers()[0].media_type == model::layer_type(Format::oci, Compression::zstd));
  CHECK(now.layers()[1] == secret);
  CHECK(now.layers()[2] == odd);
  CHECK(now.layers()[3] == foreign);
  CHECK(bytes_of(other, secret.digest) == "sealed");
}

TEST_CASE("what a manifest says about the bytes of a layer goes with them") {
  Origin origin;
  const SampleLayer layer{"a layer", Compression::gzip};
  const Descriptor blob =
      origin.put(packed(layer.plain, layer.kind), std::string(model::kOciLayer) + "+gzip");
  const Descriptor config = origin.put(config_of({layer}, "amd64"), std::string(model::kOciConfig));
  origin.put(Manifest::parse(
                 R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
                     json_of(config) + R"(,"layers":[)" +
                     json_of(blob, R"(,"urls":["https://example.com/x"],"annotations":{"kept":"yes",)"
                                   R"("containerd.io/snapshot/stargz/toc.digest":"sha256:0"})") +
                     R"(],"annotations":{"of":"the image"}})",
                 {})
                 .value(),
             {"1"});
  Registry other;
  Client client(quick());
  const auto copied =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  const Manifest now = stored(other, copied.root.digest);
  CHECK(now.layers().at(0).urls.empty());
  CHECK(now.layers().at(0).annotations == std::map<std::string, std::string>{{"kept", "yes"}});
  CHECK(now.annotations().at("of") == "the image");
}

TEST_CASE("digests that are to be preserved, and what refers to them, do not go with new layers") {
  Origin origin;
  origin.image(kTwo);
  Registry other;
  Client client(quick());
  CopyOptions options = anew(LayerCompression::zstd);
  switch (GENERATE(0, 1, 2, 3)) {
    case 0:
      options.preserve_digests = true;
      break;
    case 1:
      options.referrers = true;
      break;
    case 2:
      options.digest_tags = true;
      break;
    default:
      options.keep_archive_layers = true;
  }
  const auto refused = client.copy(origin.name(), other.authority() + "/app:1", options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(other.log("PUT").empty());
}

TEST_CASE("row 112: damaged layers are refused though their content is rewritten") {
  // The time stamp of gzip: what comes out is right, and the bytes are not those the digest names.
  const auto [at, to] = GENERATE(std::pair(std::size_t{4}, LayerCompression::zstd),
                                 std::pair(std::size_t{4}, LayerCompression::none),
                                 std::pair(std::size_t{5000}, LayerCompression::zstd));
  const std::vector<SampleLayer> layers = {{test::sample(200'000), Compression::gzip}};
  Origin origin;
  const Manifest before = origin.image(layers);
  const TempDir dir;
  Client client(quick());
  const auto layout = dir.path() / "layout";
  REQUIRE(client.pull(origin.name(), layout.string() + "/"));
  {
    std::fstream blob(layout / "blobs/sha256" / before.layers().at(0).digest.hex(),
                      std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(static_cast<std::streamoff>(at));
    blob.put('!');
  }
  Registry other;
  const auto refused = client.copy(layout.string(), other.authority() + "/app:1", anew(to));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corrupt);
  CHECK(refused.error().side == Side::source);
  CHECK_FALSE(other.storage().tag("app", "1"));
}

TEST_CASE("row 112: a layer that is not what the configuration says is refused") {
  const auto [from, to] = GENERATE(std::pair(Compression::gzip, LayerCompression::zstd),
                                   std::pair(Compression::zstd, LayerCompression::gzip),
                                   std::pair(Compression::gzip, LayerCompression::none),
                                   std::pair(Compression::none, LayerCompression::gzip));
  Origin origin;
  const Descriptor layer =
      origin.put(packed(test::sample(200'000), from), model::layer_type(Format::oci, from));
  const Descriptor config =
      origin.put(config_of({{"something else"}}, "amd64"), std::string(model::kOciConfig));
  origin.put(Manifest::parse(model::image_manifest(Format::oci, config, {layer}), {}).value(), {"1"});
  Registry other;
  Client client(quick());
  const auto refused = client.copy(origin.name(), other.authority() + "/app:1", anew(to));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corrupt);
  CHECK_FALSE(other.storage().tag("app", "1"));
}

TEST_CASE(
    "a configuration that lists another number of layers is refused, one that lists none is left alone") {
  Origin origin;
  const SampleLayer layer{"a layer", Compression::gzip};
  const Descriptor blob =
      origin.put(packed(layer.plain, layer.kind), std::string(model::kOciLayer) + "+gzip");
  const bool none = GENERATE(false, true);
  const Descriptor config =
      origin.put(none ? "{}" : config_of({layer, layer}, "amd64"), std::string(model::kOciConfig));
  const Manifest image =
      origin.put(Manifest::parse(model::image_manifest(Format::oci, config, {blob}), {}).value(), {"1"});
  Registry other;
  Client client(quick());
  const auto copied = client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd));
  REQUIRE(copied.has_value() == none);
  if (none) CHECK(copied->root == image.descriptor());
  if (!none) CHECK(copied.error().code == Errc::corrupt);
}

TEST_CASE("an archive's compressed layers are compressed anew, too") {
  const std::vector<SampleLayer> layers = {{test::sample(100'000), Compression::gzip},
                                           {"plain", Compression::none}};
  std::vector<std::string> bytes;
  std::vector<std::string> diff_ids;
  for (const SampleLayer& layer : layers) {
    bytes.push_back(packed(layer.plain, layer.kind));
    diff_ids.push_back(Digest::of(layer.plain).to_string());
  }
  const TempDir dir;
  Registry other;
  Client client(quick());
  const auto tar = dir.write("app.tar", test::save_archive(bytes, "app:1", diff_ids));
  const auto pushed =
      client.push(tar.string(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  check_layers(other, stored(other, pushed.root.digest), layers, Compression::zstd);
  const auto plain =
      client.push(tar.string(), other.authority() + "/app:2", anew(LayerCompression::none)).value();
  check_layers(other, stored(other, plain.root.digest), layers, Compression::none);

  diff_ids.front() = Digest::of("else").to_string();
  const auto wrong = dir.write("wrong.tar", test::save_archive(bytes, "app:1", diff_ids));
  const auto refused =
      client.push(wrong.string(), other.authority() + "/app:3", anew(LayerCompression::zstd));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corrupt);
}

TEST_CASE("several destinations get the same new image, read once") {
  Origin origin;
  const Manifest before = origin.image(kTwo);
  Registry one;
  Registry two;
  Client client(quick());
  // One of them has it already, and one digest is what a run gives.
  REQUIRE(client.copy(origin.name(), one.authority() + "/app:1", anew(LayerCompression::zstd)));
  origin.registry.clear_log();
  const TempDir dir;
  const std::string targets[] = {one.authority() + "/app:1", two.authority() + "/app:1",
                                 "oci:" + (dir.path() / "layout").string() + ":1"};
  CopyOptions options = anew(LayerCompression::zstd);
  options.on_existing_tag = OnExistingTag::fail;
  const auto copied = client.copy(origin.name(), targets, options).value();
  REQUIRE(copied.size() == 3);
  for (const Delivery& delivery : copied) {
    REQUIRE(delivery.result);
    CHECK(delivery.result->root == copied.front().result->root);
  }
  check_layers(two, stored(two, copied.front().result->root.digest), kTwo, Compression::zstd);
  CHECK(origin.fetched(before.layers().front()) == 1);
}

TEST_CASE("a tag that holds another image is not moved when it should not be") {
  Origin origin;
  origin.image(kTwo);
  const Manifest kept = origin.image({{"something else", Compression::gzip}}, {"2"});
  Registry other;
  Client client(quick());
  REQUIRE(client.copy(origin.name("2"), other.authority() + "/app:1"));
  other.clear_log();
  CopyOptions options = anew(LayerCompression::zstd);
  options.on_existing_tag = OnExistingTag::fail;
  const auto refused = client.copy(origin.name(), other.authority() + "/app:1", options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK(other.storage().tag("app", "1") == kept.descriptor().digest);
  CHECK(other.log("POST").empty());
}

TEST_CASE("files get the new layers") {
  Origin origin;
  origin.image(kTwo, {"1"}, Format::docker);
  const TempDir dir;
  Registry other;
  Client client(quick());
  const std::string output = GENERATE(as<std::string>(), "app.tar", "app.oci.tar", "layout/");
  const auto path = (dir.path() / output).string();
  const auto pulled = client.pull(origin.name(), path, anew(LayerCompression::zstd)).value();
  CHECK(pulled.root.media_type == model::kOciManifest);
  const auto pushed = client.push(path, other.authority() + "/app:1").value();
  CHECK(pushed.root == pulled.root);
  check_layers(other, stored(other, pushed.root.digest), kTwo, Compression::zstd);
}

TEST_CASE("row 89: a layer that was made before and is damaged now is made again") {
  Origin origin;
  origin.image(kTwo);
  const TempDir dir;
  const std::string layout = "oci:" + (dir.path() / "layout").string() + ":1";
  Client client(quick());
  const CopyOptions options = anew(LayerCompression::zstd);
  const auto first = client.copy(origin.name(), layout, options).value();
  CHECK(client.copy(origin.name(), layout, options).value().unchanged);
  std::size_t damaged = 0;
  for (const auto& blob : std::filesystem::directory_iterator(dir.path() / "layout/blobs/sha256")) {
    std::ifstream file(blob.path(), std::ios::binary);
    if (file.get() != 0x28) continue;  // not zstd
    std::filesystem::resize_file(blob.path(), 5);
    if (++damaged == 1) break;
  }
  REQUIRE(damaged == 1);
  const auto again = client.copy(origin.name(), layout, options).value();
  CHECK(again.root == first.root);
  CHECK(again.blobs.sent == 1);
}

TEST_CASE("a plan says what would be compressed anew") {
  Origin origin;
  const Manifest before = origin.image(kTwo);
  Registry other;
  Client client(quick());
  const std::string targets[] = {other.authority() + "/app:1"};
  const auto plan = client.plan_copy(origin.name(), targets, anew(LayerCompression::zstd)).value().at(0);
  CHECK_FALSE(plan.root);
  REQUIRE(plan.to_send.size() == 3);
  CHECK(std::ranges::count(plan.to_send, true, &Plan::Blob::to_compress) == 2);
  const auto copied = client.copy(origin.name(), targets, anew(LayerCompression::zstd)).value();
  const auto again = client.plan_copy(origin.name(), targets, anew(LayerCompression::zstd)).value().at(0);
  CHECK_FALSE(again.changes());
  CHECK(again.root == copied.front().result->root);
}

TEST_CASE("a source that breaks off and a destination that refuses at first do not spoil new layers") {
  const std::vector<SampleLayer> layers = {{test::sample(900'000), Compression::gzip}};
  const auto compression = GENERATE(LayerCompression::zstd, LayerCompression::none);
  Origin origin;
  const Manifest before = origin.image(layers);
  Registry other;
  test::FaultServer source({.upstream = Address::parse(origin.registry.authority())});
  test::FaultServer destination({.upstream = Address::parse(other.authority())});
  const std::string blob = "/v2/team/app/blobs/" + before.layers().at(0).digest.to_string();
  source.on({.method = "GET", .path = blob, .to = 1}, {.status = 0, .cut_at = 300'000, .forward = true});
  destination.on({.method = "PUT", .path = "/v2/app/blobs/uploads/", .to = 1}, test::Reply{.status = 503});
  Client client(quick());
  const auto copied =
      client.copy(source.authority() + "/team/app:1", destination.authority() + "/app:1", anew(compression))
          .value();
  const bool zstd = compression == LayerCompression::zstd;
  check_layers(other, stored(other, copied.root.digest), layers,
               zstd ? Compression::zstd : Compression::none);
}

TEST_CASE("a new layer that the destination said it had and has not is made after all") {
  Origin origin;
  origin.image(kTwo);
  std::vector<SampleLayer> more = kTwo;
  more.push_back({"a third layer", Compression::gzip});
  origin.image(more, {"2"});
  Registry other;
  Client client(quick());
  const auto first =
      client.copy(origin.name(), other.authority() + "/app:1", anew(LayerCompression::zstd)).value();
  REQUIRE(other.storage().remove_blob("app", stored(other, first.root.digest).layers().at(0).digest));
  const auto second =
      client.copy(origin.name("2"), other.authority() + "/app:2", anew(LayerCompression::zstd)).value();
  check_layers(other, stored(other, second.root.digest), more, Compression::zstd);
}
