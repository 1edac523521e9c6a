#include "layout/layout.h"

#include "content/choose_image.h"
#include "support/catch.h"
#include "support/image_summary.h"

using namespace davit;
using layout::Layout;

namespace {

Result<std::shared_ptr<Layout>> open(const std::string& name) {
  return Layout::open(std::string(DAVIT_FIXTURES) + "/" + name, content::AbsentPlatforms::leave_out);
}

/// What comes out of the first image of a fixture, or the error.
Result<std::string> read(const std::string& name) {
  auto layout = open(name);
  if (!layout) return layout.error();
  auto image = (*layout)->image(0, {});
  if (!image) return image.error();
  return test::summarize(**layout, *image);
}

Errc refused(const std::string& name) {
  const auto summary = read(name);
  return summary ? Errc::internal : summary.error().code;
}

const std::string kOci = "application/vnd.oci.image.manifest.v1+json manifests 1 blobs 3";

}  // namespace

TEST_CASE("row 127: a layout is read, and files that belong to nothing are ignored") {
  CHECK(read("layout").value() == kOci);
  CHECK(open("layout").value()->image(0, {})->names == std::vector<std::string>{"1"});
}

TEST_CASE("row 24: forged sizes") {
  CHECK(refused("layout_size_2_62") == Errc::corrupt);
  CHECK(refused("layout_size_minus_1") == Errc::corrupt);
  CHECK(refused("layout_size_0") == Errc::corrupt);
  CHECK(refused("layout_size_plus_1") == Errc::corrupt);
  CHECK(refused("layout_size_text") == Errc::corrupt);
}

TEST_CASE("row 25: malformed digests") {
  for (const char* name : {"path", "upper", "short", "md5", "empty"}) {
    CAPTURE(name);
    CHECK(refused(std::string("layout_digest_") + name) == Errc::corrupt);
  }
}

TEST_CASE("row 29: nothing is read through a symbolic link") {
  CHECK(refused("layout_link_blob") == Errc::denied);
  CHECK(refused("layout_link_index") == Errc::denied);
  CHECK(refused("layout_link_folder") == Errc::denied);
}

TEST_CASE("row 35, row 120: indexes in indexes, as far as eight levels") {
  CHECK(read("layout_nested").value() == "application/vnd.oci.image.index.v1+json manifests 3 blobs 3");
  CHECK(refused("layout_deep") == Errc::corrupt);
}

TEST_CASE("row 114: a layout without images") {
  const auto layout = open("layout_empty").value();
  CHECK(layout->images().empty());
  CHECK(content::choose_image(layout->images(), "").error().code == Errc::not_found);
}

TEST_CASE("row 116: foreign layers may be absent") {
  CHECK(read("layout_foreign").value() ==
        "application/vnd.docker.distribution.manifest.v2+json manifests 1 blobs 1");
}

TEST_CASE("row 118: both files of a layout are needed, in a version that is known") {
  CHECK(refused("layout_no_marker") == Errc::not_found);
  CHECK(refused("layout_no_index") == Errc::not_found);
  CHECK(refused("layout_version_none") == Errc::corrupt);
  CHECK(refused("layout_version_number") == Errc::corrupt);
  CHECK(refused("layout_version_2") == Errc::unsupported);
  CHECK(read("layout_version_1_1").value() == kOci);
  CHECK(open("layout_version_1_1").value()->image(0, {})->notes ==
        std::vector<std::string>{"an image layout of version 1.1.0, read as 1.0.0"});
  CHECK(open("layout").value()->image(0, {})->notes.empty());
  CHECK(refused("no such directory") == Errc::local_io);
}

TEST_CASE("row 119: names are matched exactly, then in full, then by tag, then as digests") {
  const auto layout = open("layout_several").value();
  REQUIRE(layout->images().size() == 4);
  CHECK(layout->images()[0].names == std::vector<std::string>{"latest", "again"});
  const auto choose = [&](std::string_view wanted) {
    return content::choose_image(layout->images(), wanted);
  };
  CHECK(choose("latest").value() == 0);
  CHECK(choose("again").value() == 0);
  CHECK(choose("docker.io/library/x:latest").value() == 1);
  CHECK(choose("x:latest").value() == 1);
  CHECK(choose("x").value() == 1);
  CHECK(choose("1").value() == 2);
  CHECK(choose(layout->images()[3].root.to_string()).value() == 3);
  CHECK(choose("@" + layout->images()[3].root.to_string()).value() == 3);
  CHECK(choose("@3").value() == 3);
  CHECK(choose("2").error().code == Errc::not_found);
  CHECK(choose(Digest::of("x").to_string()).error().code == Errc::not_found);

  const auto same = open("layout_same_name").value();
  const auto error = content::choose_image(same->images(), "1").error();
  CHECK(error.code == Errc::invalid_argument);
  CHECK(error.message.find("@0 1, @1 1") != std::string::npos);
  CHECK(content::choose_image(same->images(), "@1").value() == 1);
}

TEST_CASE("row 121: sha512 throughout") {
  CHECK(read("layout_sha512").value() == kOci);
}

TEST_CASE("row 122: a blob that is not what its descriptor says") {
  CHECK(refused("layout_short_blob") == Errc::corrupt);
  CHECK(refused("layout_long_blob") == Errc::corrupt);
  CHECK(refused("layout_flipped_blob") == Errc::corrupt);  // found while it is read
  CHECK(refused("layout_flipped_manifest") == Errc::corrupt);
}

TEST_CASE("row 111: missing blobs are named") {
  for (const char* name : {"layout_missing_blob", "layout_missing_config", "layout_missing_manifest"}) {
    CAPTURE(name);
    const auto summary = read(name);
    REQUIRE_FALSE(summary);
    CHECK(summary.error().code == Errc::not_found);
    CHECK(summary.error().message.find("sha256:") != std::string::npos);
  }
}

TEST_CASE("row 124: a layout of Docker manifests, without names") {
  CHECK(read("rules_oci").value() ==
        "application/vnd.docker.distribution.manifest.v2+json manifests 1 blobs 3");
}

TEST_CASE("row 125: schema 1 is refused by type and by shape") {
  CHECK(refused("layout_schema1") == Errc::unsupported);
  CHECK(refused("layout_schema1_sniffed") == Errc::unsupported);
}

TEST_CASE("row 128: a layer used several times is one blob") {
  CHECK(read("layout_repeated").value() == kOci);
}

TEST_CASE("row 129: a configuration is a blob like any other, of any size") {
  CHECK(read("layout_config_9mib").value() ==
        "application/vnd.oci.image.manifest.v1+json manifests 1 blobs 2");
}

TEST_CASE("row 130: artifacts are carried") {
  CHECK(read("layout_artifact").value() == "application/vnd.oci.image.manifest.v1+json manifests 1 blobs 2");
}

TEST_CASE("manifests come by name and by digest, with their original bytes") {
  const auto layout = open("layout").value();
  const auto manifest = layout->manifest("1", {}).value();
  CHECK(manifest.descriptor() == layout->resolve("1", {}).value());
  CHECK(layout->manifest(manifest.descriptor().digest.to_string(), {})->bytes() == manifest.bytes());
  const Descriptor layer = manifest.layers().at(0);
  const std::string whole = io::read_all(*layout->open(layer, 0, {}).value(), 1 << 20).value();
  CHECK((io::read_all(*layout->open(layer, 9, {}).value(), 1 << 20).value() == whole.substr(9)));
  CHECK(layout->open(Descriptor{.digest = Digest::of("x"), .size = 1}, 0, {}).error().code ==
        Errc::not_found);
}
