#include <davit/manifest.h>

#include "model/media_type.h"
#include "support/catch.h"

using davit::Errc;
using davit::Manifest;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string descriptor(const std::string& type, const std::string& size = "3",
                       const std::string& digest = kDigest) {
  return R"({"mediaType":")" + type + R"(","size":)" + size + R"(,"digest":")" + digest + "\"}";
}

std::string image(const std::string& size = "3", const std::string& digest = kDigest) {
  return R"({"schemaVersion":2,"config":)" + descriptor(std::string(davit::model::kOciConfig)) +
         R"(,"layers":[)" + descriptor(std::string(davit::model::kOciLayer), size, digest) + "]}";
}

}  // namespace

TEST_CASE("row 117: reads an image manifest and keeps its bytes") {
  const std::string bytes = "{\t\"unknown\" :\"\\u00e4\",\r\n" + image().substr(1) + "\r\n";
  const auto manifest = Manifest::parse(bytes, davit::model::kOciManifest);
  REQUIRE(manifest);
  CHECK(manifest->bytes() == bytes);
  CHECK(manifest->descriptor().digest == davit::Digest::of(bytes));
  CHECK(manifest->descriptor().size == bytes.size());
  CHECK_FALSE(manifest->is_index());
  CHECK(manifest->layers().size() == 1);
  CHECK(manifest->children().size() == 1);  // config and layer share a digest here
}

TEST_CASE("row 24: forged sizes are refused, honest extremes are not") {
  for (const char* size : {"-1", "1.5", "\"3\"", "9223372036854775808", "1e3", "null"}) {
    INFO(size);
    CHECK_FALSE(Manifest::parse(image(size), ""));
  }
  CHECK(Manifest::parse(image("0"), ""));
  CHECK(Manifest::parse(image("4611686018427387904"), ""));
}

TEST_CASE("row 25: a malformed digest in any descriptor refuses the manifest") {
  CHECK_FALSE(Manifest::parse(image("3", "sha256:../../../etc/passwd"), ""));
  CHECK_FALSE(Manifest::parse(image("3", ""), ""));
}

TEST_CASE("row 26: two shapes at once, or a type that contradicts the document, are refused") {
  const std::string config = R"("config":)" + descriptor("x");
  CHECK_FALSE(Manifest::parse(R"({"schemaVersion":2,"manifests":[],"layers":[]})", ""));
  CHECK_FALSE(Manifest::parse(R"({"schemaVersion":2,"manifests":[],)" + config + "}", ""));
  CHECK_FALSE(Manifest::parse(R"({"schemaVersion":2,"fsLayers":[],"layers":[]})", ""));
  CHECK_FALSE(Manifest::parse(image(), davit::model::kOciIndex));
  const std::string typed =
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json",)" + image().substr(1);
  CHECK_FALSE(Manifest::parse(typed, davit::model::kDockerManifest));
  CHECK(Manifest::parse(typed, "application/vnd.oci.image.manifest.v1+json; charset=utf-8"));
  CHECK(Manifest::parse(typed, "application/octet-stream"));
}

TEST_CASE("row 125: schema 1 is refused by name") {
  for (const char* bytes :
       {R"({"schemaVersion":1,"fsLayers":[]})", R"({"schemaVersion":1,"signatures":[]})"}) {
    const auto manifest = Manifest::parse(bytes, "");
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().code == Errc::unsupported);
    CHECK(manifest.error().message.find("schema 1") != std::string::npos);
  }
  CHECK(Manifest::parse(image(), davit::model::kDockerSchema1Signed).error().code == Errc::corrupt);
}

TEST_CASE("an index gives its children with their platforms") {
  const auto index = Manifest::parse(
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":3,"digest":")" +
          kDigest + R"(","platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]})",
      "");
  REQUIRE(index);
  CHECK(index->is_index());
  CHECK(index->descriptor().media_type == davit::model::kOciIndex);
  REQUIRE(index->manifests().size() == 1);
  CHECK(index->manifests()[0].platform->to_string() == "linux/arm64/v8");
}

TEST_CASE("a manifest of exactly 8 MiB is read, one byte more is not") {
  std::string bytes = image();
  bytes.append(Manifest::kMaxSize - bytes.size(), ' ');
  CHECK(Manifest::parse(bytes, ""));
  CHECK_FALSE(Manifest::parse(bytes + " ", ""));
}
