// The manifest of an artifact, against what the image specification says about one.
#include <davit/artifact.h>

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace davit;
using Json = nlohmann::json;

namespace {

constexpr const char* kEmptyDigest =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

Descriptor file(const std::string& bytes, const std::string& title, const std::string& type = "text/plain") {
  Descriptor out;
  out.media_type = type;
  out.digest = Digest::of(bytes);
  out.size = bytes.size();
  out.annotations[std::string(kTitleAnnotation)] = title;
  return out;
}

Descriptor image() {
  Descriptor out;
  out.media_type = "application/vnd.oci.image.index.v1+json";
  out.digest = Digest::of("image");
  out.size = 5;
  out.platform = Platform{.os = "linux", .architecture = "amd64"};
  return out;
}

}  // namespace

TEST_CASE("an artifact is an image manifest with a type, the empty config, its files and its subject") {
  const auto made = artifact_manifest({.type = "application/spdx+json",
                                       .layers = {file("sbom", "sbom.json", "application/spdx+json")},
                                       .annotations = {{"team", "blue"}},
                                       .subject = image()});
  REQUIRE(made);
  const Json expected = {
      {"schemaVersion", 2},
      {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
      {"artifactType", "application/spdx+json"},
      {"config", {{"mediaType", "application/vnd.oci.empty.v1+json"}, {"digest", kEmptyDigest}, {"size", 2}}},
      {"layers", Json::array({{{"mediaType", "application/spdx+json"},
                               {"digest", Digest::of("sbom").to_string()},
                               {"size", 4},
                               {"annotations", {{"org.opencontainers.image.title", "sbom.json"}}}}})},
      {"subject",
       {{"mediaType", "application/vnd.oci.image.index.v1+json"},
        {"digest", Digest::of("image").to_string()},
        {"size", 5}}},
      {"annotations", {{"team", "blue"}}}};
  CHECK(Json::parse(made->bytes()) == expected);
  CHECK(made->descriptor().digest == Digest::of(made->bytes()));
  REQUIRE(made->subject());
  CHECK(made->subject()->digest == image().digest);
}

TEST_CASE("an artifact without a file has the empty blob as its layer") {
  const auto made = artifact_manifest({.type = "x/y", .layers = {}, .annotations = {{"a", "b"}}});
  REQUIRE(made);
  REQUIRE(made->layers().size() == 1);
  CHECK(made->layers()[0].digest.to_string() == kEmptyDigest);
  CHECK(made->layers()[0].media_type == "application/vnd.oci.empty.v1+json");
}

TEST_CASE("an artifact says when it was made only where somebody says it") {
  ArtifactParts parts{.type = "x/y", .layers = {file("a", "a")}};
  const auto silent = artifact_manifest(parts);
  REQUIRE(silent);
  CHECK(silent->annotations().empty());
  CHECK(artifact_manifest(parts)->bytes() == silent->bytes());
  parts.created = std::chrono::sys_seconds(std::chrono::seconds(1700000000));
  CHECK(artifact_manifest(parts)->annotations().at(std::string(kCreatedAnnotation)) ==
        "2023-11-14T22:13:20Z");
  parts.annotations[std::string(kCreatedAnnotation)] = "2020-01-01T00:00:00Z";
  CHECK(artifact_manifest(parts)->annotations().at(std::string(kCreatedAnnotation)) ==
        "2020-01-01T00:00:00Z");
}

TEST_CASE("what would be no valid artifact is refused") {
  for (const std::string& type : std::vector<std::string>{"", "sbom", "a/", "/b", "a/b/c", "a/b c", "a/b;c=d",
                                                          "a/\xc3\xa9", std::string(200, 'a') + "/b"}) {
    INFO(type);
    const auto made = artifact_manifest({.type = type, .layers = {file("a", "a")}});
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::invalid_argument);
  }
  CHECK_FALSE(artifact_manifest({.type = "a/b", .layers = {file("a", "a", "no type")}}));
  const auto twice = artifact_manifest({.type = "a/b", .layers = {file("1", "a"), file("2", "a")}});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == Errc::invalid_argument);
  CHECK_FALSE(artifact_manifest({.type = "a/b", .layers = {}, .annotations = {{"a", "\xff"}}}));
}
