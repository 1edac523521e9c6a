#include <string>
#include <vector>

#include <davit/rootfs.h>

#include "codec/compress.h"
#include "io/memory.h"
#include "support/catch.h"
#include "support/layered_image.h"

using namespace davit;
using test::LayeredImage;
using test::LayerTar;
using Lines = std::vector<std::string>;

namespace {

Result<std::string> flattened(LayeredImage& image) {
  auto source = flattened_root(image, image.image(), {});
  if (!source) return source.error();
  return test::read_all(**source);
}

Lines merged(const std::vector<LayerTar>& layers) {
  std::vector<std::string> bytes;
  for (const LayerTar& layer : layers) bytes.push_back(layer.bytes());
  LayeredImage image(bytes);
  const auto tar = flattened(image);
  if (!tar) return {"error: " + tar.error().to_string()};
  return test::listed(*tar);
}

Error refused(const std::vector<LayerTar>& layers) {
  std::vector<std::string> bytes;
  for (const LayerTar& layer : layers) bytes.push_back(layer.bytes());
  LayeredImage image(bytes);
  const auto tar = flattened(image);
  REQUIRE_FALSE(tar);
  return tar.error();
}

}  // namespace

TEST_CASE("what later layers say wins, whiteouts hide what is below") {
  const LayerTar base = LayerTar().directory("etc").file("etc/a", "1").file("etc/b", "1").file("etc/c", "1");
  CHECK(merged({base, LayerTar().directory("etc").file("etc/b", "2").gone("etc/.wh.c")}) ==
        Lines{"directory etc/", "file etc/a 1", "file etc/b 2"});
}

TEST_CASE("a whiteout of a directory hides all of it, but nothing of its own layer") {
  const LayerTar base = LayerTar().directory("d").file("d/old", "1").directory("d/e").file("d/e/old", "1");
  const Lines wanted{"directory d/", "directory d/e/", "file d/e/new 2"};
  CHECK(merged({base, LayerTar().gone(".wh.d")}).empty());
  CHECK(merged({base, LayerTar().gone(".wh.d").directory("d").directory("d/e").file("d/e/new", "2")}) ==
        wanted);
  CHECK(merged({base, LayerTar().directory("d").directory("d/e").file("d/e/new", "2").gone(".wh.d")}) ==
        wanted);
  CHECK(merged({base, LayerTar().file("d/e/new", "2").gone(".wh.d")}) == wanted);
}

TEST_CASE("an opaque directory hides what lower layers have in it, wherever the marker stands") {
  const LayerTar base = LayerTar().directory("d").file("d/old", "1").directory("d/e").file("d/e/old", "1");
  const Lines wanted{"directory d/", "directory d/e/", "file d/new 2"};
  CHECK(
      merged({base, LayerTar().directory("d").gone("d/.wh..wh..opq").directory("d/e").file("d/new", "2")}) ==
      wanted);
  CHECK(
      merged({base, LayerTar().directory("d").directory("d/e").file("d/new", "2").gone("d/.wh..wh..opq")}) ==
      wanted);
}

TEST_CASE("files and directories take each other's place") {
  const LayerTar base = LayerTar().directory("x").file("x/in", "1").file("y", "1");
  CHECK(merged({base, LayerTar().file("x", "2").directory("y").file("y/in", "2")}) ==
        Lines{"directory y/", "file x 2", "file y/in 2"});
  CHECK(merged({base, LayerTar().file("x", "2"), LayerTar().directory("x")}) ==
        Lines{"directory x/", "file y 1"});
}

TEST_CASE("directories nobody states are made, and all come before what is in them") {
  CHECK(merged({LayerTar().file("a/b/f", "1"), LayerTar().directory("a/b")}) ==
        Lines{"directory a/", "directory a/b/", "file a/b/f 1"});
}

TEST_CASE("hard links come right behind their file") {
  CHECK(merged({LayerTar().file("a", "1").file("b", "2").hard_link("c", "a"),
                LayerTar().hard_link("d", "./a")}) ==
        Lines{"file a 1", "link c -> a", "link d -> a", "file b 2"});
}

TEST_CASE("a hard link keeps its content when the target's name is gone or means something else") {
  const LayerTar base = LayerTar().file("a", "1").hard_link("b", "a").hard_link("c", "a");
  CHECK(merged({base, LayerTar().gone(".wh.a")}) == Lines{"file b 1", "link c -> b"});
  CHECK(merged({base, LayerTar().file("a", "2")}) == Lines{"file b 1", "link c -> b", "file a 2"});
  CHECK(merged({base, LayerTar().gone(".wh.a"), LayerTar().gone(".wh.b")}) == Lines{"file c 1"});
}

TEST_CASE("parents that are symlinks are followed, inside the root") {
  const LayerTar base = LayerTar()
                            .directory("usr")
                            .directory("usr/bin")
                            .file("usr/bin/sh", "1")
                            .symlink("bin", "usr/bin")
                            .symlink("up", "../../usr");
  CHECK(merged({base, LayerTar().file("bin/sh", "2").file("up/f", "2")}) ==
        Lines{"directory usr/", "directory usr/bin/", "symlink bin -> usr/bin", "symlink up -> ../../usr",
              "file usr/bin/sh 2", "file usr/f 2"});
  CHECK(merged({base, LayerTar().gone("bin/.wh.sh")}) ==
        Lines{"directory usr/", "directory usr/bin/", "symlink bin -> usr/bin", "symlink up -> ../../usr"});
}

TEST_CASE("names stay inside the root") {
  CHECK(merged({LayerTar().file("../../etc/x", "1").file("/y", "2").file("./a/../z", "3")}) ==
        Lines{"directory etc/", "file etc/x 1", "file y 2", "file z 3"});
}

TEST_CASE("the last entry of a name counts within a layer too") {
  CHECK(merged({LayerTar().file("a", "1").file("b", "1").file("a", "2")}) == Lines{"file b 1", "file a 2"});
}

TEST_CASE("what AUFS kept for itself is left out") {
  CHECK(merged({LayerTar()
                    .directory(".wh..wh.plnk")
                    .file(".wh..wh.plnk/1.2", "x")
                    .file(".wh..wh.aufs", "")
                    .file("a", "1")}) == Lines{"file a 1"});
}

TEST_CASE("everything that is said about a file is kept") {
  tar::Attributes said{.mode = 04711,
                       .user = 5'000'000,
                       .group = 7,
                       .mtime = 1'700'000'000,
                       .user_name = "me",
                       .group_name = "us"};
  said.records = {{"SCHILY.xattr.user.x", std::string("\0\1=\n", 4)}, {"mtime", "1700000000.25"}};
  const std::string name = std::string(90, 'd') + "/" + std::string(200, 'n');
  tar::Entry device{.name = "dev",
                    .link = {},
                    .type = '3',
                    .size = 0,
                    .attributes = {.mode = 0600, .device_major = 5, .device_minor = 1}};
  tar::Entry sparse{.name = "holes",
                    .link = {},
                    .type = '0',
                    .size = 3,
                    .attributes = {.mode = 0644, .records = {{"GNU.sparse.major", "1"}}}};
  LayeredImage image({LayerTar()
                          .directory(std::string(90, 'd'), said)
                          .file(name, "1", said)
                          .entry(device)
                          .entry(sparse, "abc")
                          .bytes()});
  const auto tar = flattened(image);
  REQUIRE(tar);
  tar::Reader reader(std::make_unique<io::MemorySource>(std::make_shared<const std::string>(*tar)));
  REQUIRE(reader.next().value());
  CHECK(reader.entry().attributes == said);
  REQUIRE(reader.next().value());
  CHECK(reader.entry().name == name);
  CHECK(reader.entry().attributes == said);
  REQUIRE(reader.next().value());
  CHECK(reader.entry().type == '3');
  CHECK(reader.entry().attributes == device.attributes);
  REQUIRE(reader.next().value());
  CHECK(reader.entry().name == "holes");
  CHECK(reader.entry().is_sparse());
  CHECK_FALSE(reader.next().value());
}

TEST_CASE("what cannot be unpacked is refused, and says where") {
  CHECK(refused({LayerTar().hard_link("a", "nothing")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().directory("d").hard_link("a", "d")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().directory("d").file("d/t", "1").hard_link("d", "d/t")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().symlink("a", "b").symlink("b", "a").file("a/f", "1")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().gone("d/.wh...")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().file("..", "x")}).code == Errc::corrupt);
  CHECK(refused({LayerTar().file(std::string(256, 'n'), "x")}).code == Errc::corrupt);
  const Error error = refused({LayerTar().file("a", "1"), LayerTar().hard_link("x", "gone")});
  CHECK(error.message.find("layer 2") != std::string::npos);
  CHECK(error.message.find("gone") != std::string::npos);
}

TEST_CASE("a layer with other bytes than the manifest says fails before the end") {
  const std::string bytes = LayerTar().file("a", std::string(3 << 20, 'x')).bytes();
  LayeredImage image({bytes});
  auto source = flattened_root(image, image.image(), {});
  REQUIRE(source);
  std::string other = bytes;
  other[1 << 20] = 'y';
  image.blobs[Digest::of(bytes)] = std::make_shared<const std::string>(other);
  const auto tar = test::read_all(**source);
  REQUIRE_FALSE(tar);
  CHECK(tar.error().code == Errc::corrupt);
  CHECK(flattened_root(image, image.image(), {}).error().code == Errc::corrupt);
}

TEST_CASE("layers that are not those of the configuration are refused before anything is written") {
  const std::string plain = LayerTar().file("a", std::string(3 << 20, 'x')).bytes();
  codec::Compressor compressor({.threads = 1});
  const auto packed = compressor.compressed(std::make_shared<io::MemoryContent>(plain, ""),
                                            {.kind = model::Compression::gzip}, std::nullopt);
  const std::string gzip = test::read_all(*packed->open(0, {}).value()).value();
  const auto refused = [](const std::string& layer, const std::vector<Digest>& diff_ids) {
    LayeredImage image({layer}, "application/vnd.oci.image.layer.v1.tar", test::config_of(diff_ids));
    const auto tar = flattened_root(image, image.image(), {});
    return tar ? std::string() : (tar.error().code == Errc::corrupt ? "corrupt: " : "") + tar.error().message;
  };
  CHECK(refused(plain, {Digest::of(plain)}).empty());
  CHECK(refused(gzip, {Digest::of(plain)}).empty());
  CHECK(refused(plain, {Digest::of(gzip)}).starts_with("corrupt: layer 1"));
  CHECK(refused(gzip, {Digest::of(gzip)}).starts_with("corrupt: layer 1"));
  CHECK(refused(plain, {}).find("names 0 layers, and the manifest has 1") != std::string::npos);
  CHECK(refused(plain, {Digest::of(plain), Digest::of(plain)}).find("names 2 layers") != std::string::npos);
}

TEST_CASE("small layers are fetched once, and so are those of which nothing is left") {
  const std::string small = LayerTar().file("s", "1").bytes();
  const std::string hidden = LayerTar().file("b", std::string(2 << 20, 'x')).bytes();
  const std::string large = LayerTar().file("b", std::string(2 << 20, 'y')).bytes();
  LayeredImage image({small, hidden, large});
  REQUIRE(flattened(image));
  CHECK(image.opened[Digest::of(small)] == 1);
  CHECK(image.opened[Digest::of(hidden)] == 1);
  CHECK(image.opened[Digest::of(large)] == 2);
}

TEST_CASE("artifacts have no root file system") {
  LayeredImage image({"some text"}, "text/plain");
  CHECK(flattened(image).error().code == Errc::unsupported);
}
