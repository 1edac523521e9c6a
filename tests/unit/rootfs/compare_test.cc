#include <string>
#include <vector>

#include <davit/diff.h>

#include "codec/compress.h"
#include "io/memory.h"
#include "support/catch.h"
#include "support/layered_image.h"

using namespace davit;
using test::LayeredImage;
using test::LayerTar;
using Lines = std::vector<std::string>;

namespace {

Lines differences(LayeredImage& first, LayeredImage& second) {
  Lines out;
  const auto done = compare_files(first, first.image(), second, second.image(),
                                  [&](const ComparedFile& file) {
                                    std::string line = file.change == FileChange::added     ? "+ "
                                                       : file.change == FileChange::removed ? "- "
                                                                                            : "~ ";
                                    line += file.path;
                                    for (const std::string& what : file.what) line += " " + what;
                                    out.push_back(line);
                                    return Result<>();
                                  },
                                  {});
  if (!done) return {done.error().to_string()};
  return out;
}

Lines differences(const LayerTar& first, const LayerTar& second) {
  LayeredImage a({first.bytes()});
  LayeredImage b({second.bytes()});
  return differences(a, b);
}

}  // namespace

TEST_CASE("paths are compared in their order, with what differs about them") {
  const LayerTar first = LayerTar()
                             .directory("d")
                             .file("d/gone", "1")
                             .file("d/same", "1")
                             .file("content", "1")
                             .file("mode", "1", {.mode = 0644})
                             .file("owner", "1", {.mode = 0644, .user = 1})
                             .file("time", "1", {.mode = 0644, .mtime = 1})
                             .file("xattr", "1", {.mode = 0644, .records = {{"SCHILY.xattr.a", "1"}}})
                             .file("type", "1")
                             .symlink("target", "a");
  const LayerTar second = LayerTar()
                              .directory("d")
                              .file("d/same", "1")
                              .file("d-new", "1")
                              .file("content", "2")
                              .file("mode", "1", {.mode = 0755})
                              .file("owner", "1", {.mode = 0644, .user = 2})
                              .file("time", "1", {.mode = 0644, .mtime = 2})
                              .file("xattr", "1", {.mode = 0644, .records = {{"SCHILY.xattr.a", "2"}}})
                              .directory("type")
                              .file("type/in", "1")
                              .symlink("target", "b");
  CHECK(differences(first, second) == Lines{"~ content content", "- d/gone", "+ d-new", "~ mode mode",
                                            "~ owner owner", "~ target target", "~ time time", "~ type type",
                                            "+ type/in", "~ xattr attributes"});
  CHECK(differences(first, first).empty());
}

TEST_CASE("the same files in other layers are no difference, whiteouts and links seen through") {
  LayeredImage one({LayerTar().file("a", "1").hard_link("b", "a").bytes()});
  LayeredImage other(
      {LayerTar().file("b", "1").file("c", "1").bytes(), LayerTar().file("a", "1").gone(".wh.c").bytes()});
  CHECK(differences(one, other).empty());
}

TEST_CASE("layers that both begin with are read once for both") {
  const std::string base = LayerTar().file("base", std::string(2 << 20, 'x')).bytes();
  LayeredImage a({base, LayerTar().file("a", "1").bytes()});
  LayeredImage b({base, LayerTar().gone(".wh.base").bytes()});
  CHECK(differences(a, b) == Lines{"- a", "- base"});
  CHECK(a.opened[Digest::of(base)] + b.opened[Digest::of(base)] == 1);
}

TEST_CASE("images are compared by their layers and configurations") {
  const std::string base = LayerTar().file("base", "1").bytes();
  const std::string more = LayerTar().file("more", "1").bytes();
  LayeredImage a({base});
  LayeredImage b({base, more});
  const auto found = compare_images(a, a.image(), b, b.image(), {});
  REQUIRE(found);
  CHECK_FALSE(found->equal);
  REQUIRE(found->layers.size() == 2);
  CHECK((found->layers[0].in_first && found->layers[0].in_second));
  CHECK((!found->layers[1].in_first && found->layers[1].in_second));
  CHECK(found->config.empty());
  CHECK(compare_images(a, a.image(), a, a.image(), {})->equal);
}

TEST_CASE("layers that unpack to the same are the same, however they are stored") {
  const std::string plain = LayerTar().file("base", "1").bytes();
  const std::string more = LayerTar().file("more", "1").bytes();
  codec::Compressor compressor({.threads = 1});
  const auto packed = compressor.compressed(std::make_shared<io::MemoryContent>(plain, ""),
                                            {.kind = model::Compression::gzip}, std::nullopt);
  const std::string gzip = test::read_all(*packed->open(0, {}).value()).value();
  LayeredImage a({plain, more});
  LayeredImage b({gzip, more});
  const auto found = compare_images(a, a.image(), b, b.image(), {});
  REQUIRE(found);
  CHECK_FALSE(found->equal);
  REQUIRE(found->layers.size() == 2);
  for (const ComparedLayer& each : found->layers) CHECK((each.in_first && each.in_second));
  CHECK(found->layers[0].layer.digest == Digest::of(plain));
  REQUIRE(found->layers[0].second);
  CHECK(found->layers[0].second->digest == Digest::of(gzip));
  CHECK(found->layers[0].second->size == gzip.size());
  CHECK_FALSE(found->layers[1].second);

  // A configuration that speaks of other layers says nothing about these.
  LayeredImage wrong({gzip, more}, "application/vnd.oci.image.layer.v1.tar",
                     test::config_of({Digest::of(plain)}));
  const auto unknown = compare_images(a, a.image(), wrong, wrong.image(), {});
  REQUIRE(unknown);
  CHECK(unknown->layers.size() == 3);
}

TEST_CASE("a manifest that was made for an image is no difference, and its digests are no knowledge") {
  const std::string plain = LayerTar().file("base", "1").bytes();
  const std::string more = LayerTar().file("more", "1").bytes();
  LayeredImage a({plain, more});
  LayeredImage b({plain, more}, "application/vnd.docker.image.rootfs.diff.tar");
  CHECK_FALSE(compare_images(a, a.image(), b, b.image(), {})->equal);
  for (const CompareOptions made : {CompareOptions{true, false}, CompareOptions{false, true}}) {
    const auto found = compare_images(a, a.image(), b, b.image(), {}, made);
    REQUIRE(found);
    CHECK(found->equal);
    CHECK(found->manifest.empty());
  }
  const CompareOptions made{.first_made = true};
  LayeredImage turned({more, plain});
  LayeredImage fewer({plain}, "application/vnd.oci.image.layer.v1.tar",
                     test::config_of({Digest::of(plain), Digest::of(more)}));
  for (LayeredImage* other : {&turned, &fewer})
    CHECK_FALSE(compare_images(a, a.image(), *other, other->image(), {}, made)->equal);

  b.blobs[Digest::of(more)] = std::make_shared<const std::string>(LayerTar().file("more", "2").bytes());
  const auto none = [](const ComparedFile&) { return Result<>(); };
  CHECK(compare_files(a, a.image(), b, b.image(), none, {}));
  const auto read = compare_files(a, a.image(), b, b.image(), none, {}, {.second_made = true});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::corrupt);
}

TEST_CASE("configurations are compared member by member, unless that would take too many or too long names") {
  const auto compared = [](const std::string& first, const std::string& second) {
    LayeredImage a({}, "application/vnd.oci.image.layer.v1.tar", first);
    LayeredImage b({}, "application/vnd.oci.image.layer.v1.tar", second);
    Lines out;
    const auto found = compare_images(a, a.image(), b, b.image(), {});
    REQUIRE(found);
    for (const ComparedValue& one : found->config)
      out.push_back(one.name + " " + one.first + " " + one.second);
    return out;
  };
  CHECK(compared(R"({"a":{"b":1,"c":{"d":2}},"e":[1]})", R"({"a":{"b":1,"c":{"d":3}},"f":{}})") ==
        Lines{"a.c.d 2 3", "e [1] ", "f  {}"});

  const std::string long_name(1100, 'n');
  const std::string in_long = R"({")" + long_name + R"(":{"x":1}})";
  CHECK(compared(R"({"a":)" + in_long + R"(,"b":1})", R"({"a":{},"b":2})") ==
        Lines{"a " + in_long + " {}", "b 1 2"});

  std::string many = R"({"n0":0)";
  for (int i = 1; i < 20'000; ++i) many += ",\"n" + std::to_string(i) + "\":0";
  many += "}";
  const Lines found = compared(R"({"a":)" + many + R"(,"b":1})", R"({"a":{},"b":2})");
  REQUIRE(found.size() == 2);
  CHECK(found[0].starts_with("a {\"n0\":0,"));
  CHECK(found[1] == "b 1 2");
}

TEST_CASE("an error of the caller ends the comparison") {
  LayeredImage a({LayerTar().file("a", "1").bytes()});
  LayeredImage b({LayerTar().file("b", "1").bytes()});
  const auto done = compare_files(
      a, a.image(), b, b.image(),
      [](const ComparedFile&) -> Result<> { return Error{.code = Errc::local_io, .message = "no room"}; },
      {});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::local_io);
}
