#include "archive/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "content/choose_image.h"
#include "support/catch.h"
#include "support/image_summary.h"
#include "support/temp_dir.h"

using namespace davit;
using archive::Archive;

namespace {

std::string fixture(const std::string& name) {
  return std::string(DAVIT_FIXTURES) + "/" + name;
}

Result<std::shared_ptr<Archive>> open(const std::string& name, const archive::ArchiveOptions& options = {}) {
  return Archive::open(fixture(name), options, {});
}

/// One line per image: names in brackets, then what summarize() says, every byte verified.
std::string listed(Archive& archive) {
  std::string out;
  for (std::size_t i = 0; i < archive.images().size(); ++i) {
    const auto image = archive.image(i, {});
    if (!image) return "error: " + image.error().to_string();
    const auto summary = test::summarize(archive, *image);
    if (!summary) return "error: " + summary.error().to_string();
    out += "[";
    for (const std::string& name : image->names) out += (out.ends_with('[') ? "" : " ") + name;
    out += "] " + *summary + "\n";
  }
  return out;
}

std::string listed(const std::string& name) {
  const auto archive = open(name);
  return archive ? listed(**archive) : "error: " + archive.error().to_string();
}

const content::RawImage& raw(const content::StoredImage& image) {
  return std::get<content::RawImage>(image.root);
}

const std::string kOci = "application/vnd.oci.image.manifest.v1+json manifests 1 blobs 3\n";

}  // namespace

TEST_CASE("row 100: the form of docker save up to 24") {
  CHECK(listed("docker24.tar") == "[app:1] raw linux/amd64 none none none\n");
}

TEST_CASE("row 100: the configuration comes out byte for byte and plain layers are known by their diff_id") {
  const auto archive = open("plain.tar").value();
  const auto image = archive->image(0, {}).value();
  CHECK(raw(image).config.starts_with(
      "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/bin/sh\"]}"));
  for (const content::RawLayer& layer : raw(image).layers) {
    REQUIRE(layer.content->descriptor());
    CHECK(layer.content->descriptor()->digest == layer.diff_id);
    CHECK(layer.content->descriptor()->size == layer.size);
  }
}

TEST_CASE("row 101: the format of Docker before 1.10 is named and refused") {
  const auto archive = open("legacy_v1.tar");
  REQUIRE_FALSE(archive);
  CHECK(archive.error().code == Errc::unsupported);
  CHECK(archive.error().message.find("before 1.10") != std::string::npos);
}

TEST_CASE("row 102: Docker 25 keeps plain layers under an OCI index, which are read raw to be compressed") {
  CHECK(listed("docker25.tar") == "[app:1] raw linux/amd64 none none\n");
  const auto kept = open("docker25.tar", {.keep_manifests = true}).value();
  CHECK(listed(*kept) == "[docker.io/library/app:1 1] " + kOci);
  CHECK(kept->image(0, {})->plain_layers);
}

TEST_CASE(
    "row 102, row 116: a foreign layer that is not there leaves the OCI manifest as the only description") {
  CHECK(listed("docker25_foreign.tar") ==
        "[1] application/vnd.docker.distribution.manifest.v2+json manifests 1 blobs 2\n");
}

TEST_CASE("row 103: of an index with one platform there, that platform's manifest is the root") {
  const auto archive = open("docker29.tar").value();
  CHECK(listed(*archive) == "[docker.io/library/app:1 1] " + kOci);
  const auto image = archive->image(0, {}).value();
  REQUIRE(image.notes.size() == 1);
  CHECK(image.notes[0] ==
        "only linux/amd64 is there, without the index; absent: linux/arm64, linux/s390x, an attestation");
  const auto& root = std::get<Descriptor>(image.root);
  CHECK_FALSE(root.platform);
  CHECK(archive->manifest("1", {})->descriptor() == root);
}

TEST_CASE("row 103: of an index with several platforms there, a rewritten index is the root") {
  const auto archive = open("docker29_two.tar").value();
  CHECK(listed(*archive) ==
        "[docker.io/library/app:1 1] application/vnd.oci.image.index.v1+json manifests 3 blobs 4\n");
  const auto image = archive->image(0, {}).value();
  CHECK(image.notes.at(0).find("absent: linux/s390x, an attestation") != std::string::npos);
  const auto index = archive->manifest(std::get<Descriptor>(image.root).digest.to_string(), {}).value();
  REQUIRE(index.manifests().size() == 2);
  CHECK(index.manifests()[1].platform->architecture == "arm64");
  CHECK(index.manifests()[1].annotations.at("example") == "arm64");
  CHECK(
      index.bytes().starts_with("{\"schemaVersion\":2,\"mediaType\":\"application/"
                                "vnd.oci.image.index.v1+json\",\"manifests\":[{\"mediaType\":"));
}

TEST_CASE("row 103: absent platforms are an error when the digest has to stay, or when none is there") {
  for (const char* name : {"docker29.tar", "docker29_two.tar"}) {
    const auto archive = open(name, {.absent = content::AbsentPlatforms::refuse}).value();
    CHECK(archive->image(0, {}).error().code == Errc::not_found);
  }
  CHECK(open("buildkit_docker.tar", {.absent = content::AbsentPlatforms::refuse}).value()->image(0, {}));
  CHECK(open("docker29_none.tar").value()->image(0, {}).error().code == Errc::not_found);
}

TEST_CASE("row 104: several images are listed, and never the first one taken silently") {
  CHECK(listed("three_images.tar") ==
        "[app:1 registry.example:5000/app:1] raw linux/amd64 none\n"
        "[other:latest] raw linux/amd64 none\n"
        "[] raw linux/amd64 none none\n");
  CHECK(listed("empty_tags.tar") == "[] raw linux/amd64 none\n");
  const auto archive = open("three_images.tar").value();
  const auto choose = [&](std::string_view wanted) {
    return content::choose_image(archive->images(), wanted);
  };
  CHECK(choose("app:1").value() == 0);
  CHECK(choose("registry.example:5000/app:1").value() == 0);
  CHECK(choose("docker.io/library/app:1").value() == 0);
  CHECK(choose("other").value() == 1);
  CHECK(choose("latest").value() == 1);
  CHECK(choose("@2").value() == 2);
  CHECK(choose("").error().code == Errc::invalid_argument);
  CHECK(choose("").error().message.find("@0 app:1 registry.example:5000/app:1, @1 other:latest, @2") !=
        std::string::npos);
  CHECK(choose("@3").error().code == Errc::not_found);
  CHECK(choose("@x").error().code == Errc::not_found);
  CHECK(choose("app").error().code == Errc::not_found);
  const auto one = open("plain.tar").value();
  CHECK(content::choose_image(one->images(), "").value() == 0);
}

TEST_CASE("row 105, row 128: a layer that is there once and used often is read from one place") {
  const auto image = open("docker24.tar").value()->image(0, {}).value();
  CHECK(raw(image).layers.at(0).diff_id == raw(image).layers.at(2).diff_id);
  CHECK(listed("repeated_layers.tar") == "[app:1] raw linux/amd64 none none none none\n");
}

TEST_CASE("row 106: gzip and zstd around an archive are undone, whatever the file is called") {
  for (const char* name :
       {"wrapped.tar.gz", "wrapped_gzip.tar", "wrapped_two_members.tgz", "wrapped.tar.zst"}) {
    CAPTURE(name);
    CHECK(listed(name) == "[app:1] raw linux/amd64 none none none\n");
  }
  for (const char* name : {"wrapped.tar.xz", "wrapped.tar.bz2"}) {
    const auto archive = open(name);
    REQUIRE_FALSE(archive);
    CHECK(archive.error().code == Errc::unsupported);
    CHECK(archive.error().hint.starts_with("decompress it first"));
  }
  CHECK(open("wrapped_cut.tar.gz").error().code == Errc::corrupt);
  CHECK(open("wrapped_twice.tar.gz").error().message.ends_with("looks like a gzip file around a gzip file"));
}

TEST_CASE("row 28: the copy of a compressed archive stops at the limit") {
  CHECK(open("wrapped.tar.gz", {.expansion = {.bytes = 4096}}).error().code == Errc::corrupt);
  CHECK(open("wrapped.tar.gz", {.expansion = {.bytes = 1 << 20}}));
}

TEST_CASE("row 107: an archive comes from a pipe and leaves no file behind") {
  const test::TempDir directory;
  for (const char* name : {"docker24.tar", "wrapped.tar.gz", "wrapped.tar.zst"}) {
    CAPTURE(name);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    std::thread writer([&, path = fixture(name)] {
      std::ifstream from(path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(from)), {});
      for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count =
            ::write(ends[1], bytes.data() + done, std::min<std::size_t>(bytes.size() - done, 1000));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
      }
      ::close(ends[1]);
    });
    const auto archive =
        Archive::open(io::File(ends[0]), "standard input", {.temporary_directory = directory.path()}, {});
    writer.join();
    REQUIRE(archive);
    CHECK(listed(**archive) == "[app:1] raw linux/amd64 none none none\n");
    CHECK(std::filesystem::is_empty(directory.path()));
  }
}

TEST_CASE("row 107: waiting for a pipe ends when the caller stops") {
  const test::TempDir directory;
  const std::string path = directory.path() / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::stop_source stop;
  stop.request_stop();
  CHECK(Archive::open(path, {}, {.stop = stop.get_token()}).error().code == Errc::cancelled);
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  CHECK(Archive::open(path, {}, {.deadline = soon}).error().code == Errc::timeout);
}

TEST_CASE("row 91: a temporary directory that cannot be written to is named") {
  const auto archive = open("wrapped.tar.gz", {.temporary_directory = "/nonexistent/directory"});
  CHECK(archive.error().code == Errc::local_io);
  CHECK(archive.error().message.find("/nonexistent/directory") != std::string::npos);
}

TEST_CASE(
    "row 108: names with ./ and //, PAX paths, GNU long names, ustar prefixes and bytes that are no text") {
  CHECK(listed("many_dialects.tar") == "[app:1] raw linux/amd64 none none none none\n");
}

TEST_CASE("row 109: sizes in base-256, missing or single end blocks, anything behind the end") {
  CHECK(listed("big.tar") == "[big:1] raw linux/amd64\n");
  for (const char* name : {"no_end.tar", "one_zero_block.tar", "trailing_garbage.tar"}) {
    CAPTURE(name);
    CHECK(listed(name) == "[app:1] raw linux/amd64 none none\n");
  }
}

TEST_CASE("row 110: a truncated archive is an error wherever content is missing") {
  for (const char* name : {"cut_1.tar", "cut_50.tar", "cut_header.tar", "cut_padding.tar"}) {
    CAPTURE(name);
    const auto archive = open(name);
    REQUIRE_FALSE(archive);
    CHECK(archive.error().code == Errc::corrupt);
  }
  // Every length: either nothing but the end blocks is missing, or the archive does not open as a whole.
  std::ifstream from(fixture("plain.tar"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(from)), {});
  const test::TempDir directory;
  for (std::size_t size = whole.size() - 1024 - 1; size > 100; size -= 97) {
    const auto path = directory.write("cut", whole.substr(0, size));
    const auto archive = Archive::open(path, {}, {});
    const bool usable = archive && (*archive)->image(0, {});
    // `repositories`, two blocks and the last entry, is not needed; cut at its header it is not even missed.
    CHECK((!usable || size == whole.size() - 1024 - 1024));
  }
}

TEST_CASE("row 111: a missing layer or configuration is named") {
  const auto error = open("missing_layer.tar").value()->image(0, {}).error();
  CHECK(error.code == Errc::not_found);
  CHECK(error.message.find("image app:1: layer 2: ") == 0);
  CHECK(error.message.ends_with("/layer.tar is missing"));
  CHECK(open("missing_config.tar").value()->image(0, {}).error().message ==
        "image app:1: config.json is missing");
}

TEST_CASE(
    "row 112: a layer that is not what the configuration says, and a configuration that is not what its name "
    "says") {
  CHECK(listed("wrong_diff_id.tar").find("where the image configuration says") != std::string::npos);
  CHECK(open("wrong_config_digest.tar").value()->image(0, {}).error().code == Errc::corrupt);
}

TEST_CASE("row 113: the numbers of layers and diff_ids have to agree") {
  const auto message = [](const char* name) { return open(name).value()->image(0, {}).error().message; };
  CHECK(message("one_layer_more.tar") == "image app:1: 2 layers, but the configuration lists 1 diff_ids");
  CHECK(message("one_layer_fewer.tar") == "image app:1: 1 layers, but the configuration lists 2 diff_ids");
  CHECK(message("no_diff_ids.tar") == "image app:1: 1 layers, but the configuration lists 0 diff_ids");
}

TEST_CASE("row 114: images without layers, with empty layers and with an empty configuration") {
  CHECK(listed("no_layers.tar") == "[app:1] raw linux/amd64\n");
  CHECK(listed("history_only.tar") == "[app:1] raw linux/amd64\n");
  CHECK(listed("empty_layer.tar") == "[app:1] raw linux/amd64 none none\n");
  CHECK(listed("empty_config_oci.tar") ==
        "[] application/vnd.oci.image.manifest.v1+json manifests 1 blobs 1\n");
}

TEST_CASE("row 115: layers are labelled by content") {
  CHECK(listed("zstd_layers.tar") == "[app:1] raw linux/amd64 zstd none\n");
  const auto image = open("kaniko.tar").value()->image(0, {}).value();
  CHECK(raw(image).layers.at(0).stored == model::Compression::gzip);
  CHECK_FALSE(raw(image).layers.at(0).content->descriptor());
}

TEST_CASE("row 123: what is no archive is said by its looks") {
  const auto looks = [](const char* name) { return open(name).error().message; };
  CHECK(looks("html.tar").ends_with("html.tar: looks like an HTML or XML page"));
  CHECK(looks("zip.tar").ends_with("looks like a zip file"));
  CHECK(looks("empty.tar").ends_with("looks like an empty file"));
  CHECK(looks("manifest_document.tar").ends_with("looks like a JSON document"));
  CHECK(looks("squashfs.tar").ends_with("looks like a squashfs image"));
  CHECK(looks("text.tar").ends_with("looks like nothing known"));
  CHECK(looks("rootfs.tar").find("so not an image archive") != std::string::npos);
  CHECK(looks("zeros.tar").find("so not an image archive") != std::string::npos);
  CHECK(looks("layout").ends_with("is a directory, not an archive"));
  CHECK(open("html.tar").error().code == Errc::corrupt);
  CHECK(open("html.tar").error().hint.find("gzip or zstd") != std::string::npos);
  CHECK(open("no such file").error().code == Errc::local_io);
}

TEST_CASE("row 124: every producer's archive is read") {
  CHECK(listed("podman_docker.tar") == "[localhost/app:1] raw linux/amd64 none none\n");
  CHECK(listed("podman_oci.tar") == "[docker.io/library/app:1] " + kOci);
  CHECK(listed("kaniko.tar") == "[registry.example:5000/team/app:1] raw linux/amd64 gzip gzip\n");
  CHECK(listed("kaniko_oci.tar") == "[] " + kOci);
  CHECK(listed("buildkit_docker.tar") == "[docker.io/library/app:1 1] " + kOci);
  CHECK(listed("buildkit_oci.tar") == "[docker.io/library/app:1 1] " + kOci);
  CHECK(listed("nix.tar") == "[nix:1] raw linux/amd64 none none none\n");
  CHECK(listed("bazel.tar") == "[bazel/app:image] raw linux/amd64 none none\n");
  CHECK(listed("jib.tar") == "[jib:1] raw linux/amd64 gzip gzip\n");
  CHECK(listed("jib_oci.tar") == "[] " + kOci);
}

TEST_CASE("row 129: large configurations") {
  CHECK(listed("config_3mib.tar") == "[app:1] raw linux/amd64 none\n");
  CHECK(open("config_9mib.tar").value()->image(0, {}).error().code == Errc::corrupt);
}

TEST_CASE("an image without manifests has no descriptor to resolve to") {
  const auto archive = open("plain.tar").value();
  CHECK(archive->resolve("app:1", {}).error().code == Errc::unsupported);
  CHECK(archive->resolve("nothing:1", {}).error().code == Errc::not_found);
  CHECK(archive->open(Descriptor{.digest = Digest::of("x")}, 0, {}).error().code == Errc::not_found);
}

TEST_CASE("blobs are opened at any offset, and only with the size that their descriptor says") {
  const auto archive = open("podman_oci.tar").value();
  const auto manifest = archive->manifest("docker.io/library/app:1", {}).value();
  Descriptor layer = manifest.layers().at(0);
  const std::string whole = io::read_all(*archive->open(layer, 0, {}).value(), 1 << 20).value();
  CHECK(Digest::of(whole) == layer.digest);
  CHECK((io::read_all(*archive->open(layer, 100, {}).value(), 1 << 20).value() == whole.substr(100)));
  CHECK(archive->manifest(manifest.descriptor().digest.to_string(), {})->bytes() == manifest.bytes());
  ++layer.size;
  CHECK(archive->open(layer, 0, {}).error().code == Errc::corrupt);
  CHECK(archive->resolve(Digest::of("x").to_string(), {}).error().code == Errc::not_found);
}
