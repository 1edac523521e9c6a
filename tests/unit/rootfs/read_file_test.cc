#include <stop_token>
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

namespace {

LayeredImage image_of(const std::vector<LayerTar>& layers) {
  std::vector<std::string> bytes;
  for (const LayerTar& layer : layers) bytes.push_back(layer.bytes());
  return LayeredImage(bytes);
}

Result<std::string> content(LayeredImage& image, std::string_view path) {
  auto source = read_file(image, image.image(), path, {});
  if (!source) return source.error();
  return test::read_all(**source);
}

Result<std::string> content(const std::vector<LayerTar>& layers, std::string_view path) {
  LayeredImage image = image_of(layers);
  return content(image, path);
}

const LayerTar& base() {
  static const LayerTar tar = LayerTar()
                                  .directory("usr")
                                  .directory("usr/bin")
                                  .file("usr/bin/dash", "dash")
                                  .symlink("usr/bin/sh", "dash")
                                  .symlink("bin", "usr/bin")
                                  .symlink("abs", "/usr/bin/dash")
                                  .symlink("up", "../../../usr/../usr/bin/dash")
                                  .hard_link("usr/bin/again", "usr/bin/dash")
                                  .symlink("loop", "pool")
                                  .symlink("pool", "loop")
                                  .directory("d")
                                  .file("d/f", "old");
  return tar;
}

}  // namespace

TEST_CASE("a file is found under every name it has") {
  for (const char* path : {"usr/bin/dash", "/usr/bin/dash", "./usr//bin/../bin/dash", "bin/sh", "/usr/bin/sh",
                           "abs", "up", "usr/bin/again", "bin/again", "../bin/dash"}) {
    INFO(path);
    const auto found = content({base(), LayerTar().directory("usr").file("unrelated", "x")}, path);
    REQUIRE(found);
    CHECK(*found == "dash");
  }
}

TEST_CASE("what is not there, or gone, is not found") {
  for (const char* path : {"nothing", "usr/bin/bash", "usr/bin/dash/x", "abs/x", "usr/bi"}) {
    INFO(path);
    CHECK(content({base()}, path).error().code == Errc::not_found);
  }
  CHECK(content({base(), LayerTar().gone("d/.wh.f")}, "d/f").error().code == Errc::not_found);
  CHECK(content({base(), LayerTar().gone(".wh.d")}, "d/f").error().code == Errc::not_found);
  CHECK(content({base(), LayerTar().gone("d/.wh..wh..opq")}, "d/f").error().code == Errc::not_found);
  CHECK(content({base(), LayerTar().gone(".wh..wh..opq")}, "d/f").error().code == Errc::not_found);
  CHECK(content({base(), LayerTar().file("d", "a file")}, "d/f").error().code == Errc::not_found);
  CHECK(content({LayerTar().file("d", "a file"), LayerTar().directory("d")}, "d/f").error().code ==
        Errc::not_found);
  CHECK(content({base(), LayerTar().gone("usr/bin/.wh.dash")}, "abs").error().code == Errc::not_found);
}

TEST_CASE("whiteouts hide nothing of their own layer") {
  CHECK(content({base(), LayerTar().gone(".wh.d").file("d/f", "new")}, "d/f").value() == "new");
  CHECK(content({base(), LayerTar().file("d/f", "new").gone("d/.wh..wh..opq")}, "d/f").value() == "new");
}

TEST_CASE("the topmost layer with the file ends the search, and its last entry counts") {
  const LayerTar top = LayerTar().directory("d").file("d/f", "first").file("d/f", "second");
  LayeredImage image = image_of({base(), top, LayerTar().file("other", "")});
  CHECK(content(image, "d/f").value() == "second");
  CHECK(image.opened[Digest::of(base().bytes())] == 0);
  CHECK(image.opened[Digest::of(top.bytes())] == 1);
}

TEST_CASE("a layer that does not state a directory may go through a symlink in its place") {
  const LayerTar through = LayerTar().file("bin/dash", "new").file("bin/more", "more").gone("bin/.wh.again");
  for (const char* path : {"usr/bin/dash", "bin/dash", "abs", "bin/sh"}) {
    INFO(path);
    CHECK(content({base(), through}, path).value() == "new");
  }
  CHECK(content({base(), through}, "usr/bin/more").value() == "more");
  CHECK(content({base(), through}, "usr/bin/again").error().code == Errc::not_found);
  CHECK(content({base(), LayerTar().file("bin/other", "x")}, "bin/sh").value() == "dash");
  CHECK(content({base(), LayerTar().directory("bin").file("bin/dash", "new")}, "usr/bin/dash").value() ==
        "dash");
  CHECK(content({base(), LayerTar().directory("bin").file("bin/other", "x")}, "bin/sh").error().code ==
        Errc::not_found);
  CHECK(content({base(), through}, "usr/bin/more/x").error().code == Errc::not_found);
}

TEST_CASE("a hard link means its target as it was") {
  CHECK(content({base(), LayerTar().hard_link("d/link", "d/f"), LayerTar().file("d/f", "new")}, "d/link")
            .value() == "old");
}

TEST_CASE("large files are read from their layer again and verified to its end") {
  const std::string large(3 << 20, 'x');
  const std::string bytes = LayerTar().file("f", large).file("behind", large).bytes();
  LayeredImage image({bytes});
  CHECK(content(image, "f").value() == large);

  auto source = read_file(image, image.image(), "f", {});
  REQUIRE(source);
  std::string other = bytes;
  other[5 << 20] = 'y';  // behind the file
  image.blobs[Digest::of(bytes)] = std::make_shared<const std::string>(other);
  source = read_file(image, image.image(), "f", {});
  REQUIRE_FALSE(source);
  CHECK(source.error().code == Errc::corrupt);
}

TEST_CASE("reading stops when asked to, even while no more of the layer has to be fetched") {
  const std::string plain = LayerTar().file("f", std::string(3 << 20, 'x')).bytes();
  for (const auto kind : {model::Compression::gzip, model::Compression::zstd}) {
    codec::Compressor compressor({.threads = 1});
    const auto packed =
        compressor.compressed(std::make_shared<io::MemoryContent>(plain, ""), {.kind = kind}, std::nullopt);
    LayeredImage image({test::read_all(*packed->open(0, {}).value()).value()});
    std::stop_source stop;
    const CallContext context{.stop = stop.get_token(), .deadline = {}};
    auto file = read_file(image, image.image(), "f", context);
    REQUIRE(file);
    std::vector<std::byte> buffer(100);
    REQUIRE((*file)->read(buffer).value() != 0);
    stop.request_stop();
    CHECK((*file)->read(buffer).error().code == Errc::cancelled);
  }
}

TEST_CASE("what is no file says what it is") {
  CHECK(content({base()}, "usr").error().code == Errc::unsupported);
  CHECK(content({base()}, "/").error().code == Errc::unsupported);
  CHECK(content({LayerTar().file("implied/f", "1")}, "implied").error().code == Errc::unsupported);
  CHECK(content({LayerTar().entry({.name = "null", .link = {}, .type = '3', .size = 0, .attributes = {}})},
                "null")
            .error()
            .code == Errc::unsupported);
  CHECK(content({base()}, "loop").error().code == Errc::corrupt);
  CHECK(content({base()}, "loop").error().message.starts_with("loop: "));
}
