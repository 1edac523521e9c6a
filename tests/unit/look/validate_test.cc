#include <davit/validate.h>

#include <algorithm>

#include "codec/compress.h"
#include "io/memory.h"
#include "look/check_blob.h"
#include "support/catch.h"
#include "support/layered_image.h"
#include "support/memory_store.h"

using namespace davit;
using test::add_image;
using test::add_index;
using test::entry;
using test::for_platform;
using test::MemoryStore;

namespace {

std::string tar_of(const std::string& content) {
  return test::LayerTar().file("f", content).bytes();
}

std::string gzip(const std::string& bytes) {
  codec::Compressor compressor({.threads = 1});
  const auto packed = compressor.compressed(std::make_shared<io::MemoryContent>(bytes, ""),
                                            {.kind = model::Compression::gzip}, std::nullopt);
  return test::read_all(*packed->open(0, {}).value()).value();
}

const std::string kTar = tar_of("hello\n");
const std::string kGzip = gzip(kTar);
const char* const kGzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

bool mentions(const Validation& found, const std::string& where, const std::string& words) {
  return std::ranges::any_of(found.problems, [&](const Problem& each) {
    return each.where == where && each.error.message.find(words) != std::string::npos;
  });
}

Validation validated(MemoryStore& store, const Manifest& root, const ValidateOptions& options = {}) {
  auto found = validate(store, root.descriptor(), options, {});
  REQUIRE(found);
  return *std::move(found);
}

}  // namespace

TEST_CASE("a sound image has no problems, and every blob was read once") {
  MemoryStore store;
  const Manifest one = add_image(store, {tar_of("shared"), tar_of("a")});
  const Manifest two = add_image(store, {tar_of("shared"), tar_of("b")}, "arm64");
  const Manifest index = add_index(store, {entry(one.descriptor(), for_platform("amd64")),
                                           entry(two.descriptor(), for_platform("arm64"))});
  const Validation found = validated(store, index);
  CHECK(found.problems.empty());
  CHECK(found.manifests == 3);
  CHECK(found.blobs == 5);
  CHECK(found.bytes == one.config()->size + two.config()->size + 3 * kTar.size());
  CHECK(store.asked("blob") == 5);
}

TEST_CASE("compressed layers are unpacked and compared with their diff_ids") {
  MemoryStore store;
  const Manifest sound = add_image(store, {kGzip}, "amd64", {Digest::of(kTar)}, kGzipLayer);
  CHECK(validated(store, sound).problems.empty());
  const Manifest wrong = add_image(store, {kGzip}, "amd64", {Digest::of("other")}, kGzipLayer);
  const Validation found = validated(store, wrong);
  REQUIRE(found.problems.size() == 1);
  CHECK(mentions(found, "layer 1", "unpacks to " + Digest::of(kTar).to_string()));
  CHECK(found.problems[0].digest == Digest::of(kGzip));
  CHECK(found.problems[0].error.code == Errc::corrupt);
  CHECK(validated(store, wrong, {.layers = false}).problems.empty());
}

TEST_CASE("a history of another number of layers than the manifest has is a problem") {
  const auto described = [](const std::string& history, const std::vector<std::string>& layers) {
    MemoryStore store;
    std::string ids, list;
    for (const std::string& content : layers) {
      const std::string layer = tar_of(content);
      ids += (ids.empty() ? "\"" : ",\"") + Digest::of(layer).to_string() + "\"";
      list += (list.empty() ? "" : ",") + entry(store.add_blob(layer, test::kPlainLayer));
    }
    const Descriptor config =
        store.add_blob(R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" +
                           ids + R"(]},"history":[)" + history + "]}",
                       "application/vnd.oci.image.config.v1+json");
    return validated(
        store,
        store.add_manifest(
            R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
            entry(config) + R"(,"layers":[)" + list + "]}"));
  };
  const std::string step = R"({"created_by":"x"})";
  const std::string empty = R"({"created_by":"y","empty_layer":true})";
  CHECK(described("", {"one", "two"}).problems.empty());
  CHECK(described(step + "," + empty + "," + step, {"one", "two"}).problems.empty());
  const Validation fewer = described(step + "," + empty, {"one", "two"});
  REQUIRE(fewer.problems.size() == 1);
  CHECK(mentions(fewer, "config", "a history of 1 layers, and the manifest has 2"));
  CHECK(fewer.problems[0].error.code == Errc::corrupt);
  CHECK(mentions(described(step + "," + step, {"one"}), "config", "a history of 2 layers"));
  CHECK(mentions(described(empty, {"one"}), "config", "a history of 0 layers"));
}

TEST_CASE("unpacking stops when asked to, even while no more of the blob has to be read") {
  /// Asks for the end as soon as the blob has been read.
  class Stopping final : public ContentSource {
   public:
    Stopping(std::string bytes, std::stop_source& stop) : bytes_(std::move(bytes)), stop_(stop) {}
    Result<Descriptor> resolve(std::string_view, const CallContext&) override { return Error{}; }
    Result<Manifest> manifest(std::string_view, const CallContext&) override { return Error{}; }
    Result<std::unique_ptr<ByteSource>> open(const Descriptor&, std::uint64_t, const CallContext&) override {
      struct Source final : ByteSource {
        Source(const std::string& bytes, std::stop_source& stop)
            : inner(std::make_shared<const std::string>(bytes)), stopping(stop) {}
        Result<std::size_t> read(std::span<std::byte> into) override {
          auto count = inner.read(into);
          if (count && *count == 0) stopping.request_stop();
          return count;
        }
        io::MemorySource inner;
        std::stop_source& stopping;
      };
      return std::unique_ptr<ByteSource>(std::make_unique<Source>(bytes_, stop_));
    }

   private:
    std::string bytes_;
    std::stop_source& stop_;
  };
  std::stop_source stop;
  Stopping source(kGzip, stop);
  const Descriptor blob{.media_type = kGzipLayer, .digest = Digest::of(kGzip), .size = kGzip.size()};
  const Digest wanted[] = {Digest::of(kTar)};
  const auto problems =
      look::check_blob(source, blob, wanted, CallContext{.stop = stop.get_token(), .deadline = {}});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].error.code == Errc::cancelled);
}

TEST_CASE("a layer whose compression is not what its media type says is a problem") {
  MemoryStore store;
  const Manifest image = add_image(store, {kTar}, "amd64", {}, kGzipLayer);
  const Validation found = validated(store, image);
  REQUIRE(found.problems.size() == 1);
  CHECK(mentions(found, "layer 1", "its media type says"));
}

TEST_CASE("compressed data that ends early or is damaged is a problem even with the right digest") {
  MemoryStore store;
  const Manifest image = add_image(store, {kGzip.substr(0, 20)}, "amd64", {Digest::of(kTar)}, kGzipLayer);
  const Validation found = validated(store, image);
  REQUIRE(found.problems.size() == 1);
  CHECK(mentions(found, "layer 1", "cannot be unpacked"));
}

TEST_CASE("a layer that is no tar, or only the front of one, is a problem even with the right diff_id") {
  const std::string large = tar_of(std::string(200'000, 'x'));
  for (const std::string& plain :
       {std::string("not a tar at all"), kTar.substr(0, 515), large.substr(0, 100'000), "x" + large}) {
    for (const bool packed : {false, true}) {
      MemoryStore store;
      const Manifest image = add_image(store, {packed ? gzip(plain) : plain}, "amd64", {Digest::of(plain)},
                                       packed ? kGzipLayer : test::kPlainLayer);
      const Validation found = validated(store, image);
      REQUIRE(found.problems.size() == 1);
      CHECK(mentions(found, "layer 1", "no tar that can be unpacked"));
      CHECK(found.problems[0].error.code == Errc::corrupt);
      CHECK(validated(store, image, {.layers = false}).problems.empty());
    }
  }
  MemoryStore store;  // what is missing from the tar does not hide that the bytes are others
  const Manifest image = add_image(store, {"not a tar at all" + large}, "amd64", {Digest::of("x")});
  CHECK(validated(store, image).problems.size() == 2);
  const Manifest other = add_image(store, {"no tar" + large});
  store.blobs[Digest::of("no tar" + large)].back() = 'y';
  const Validation found = validated(store, other);
  REQUIRE(found.problems.size() == 1);
  CHECK(mentions(found, "layer 1", "has the digest"));
}

TEST_CASE("every problem is reported, not only the first") {
  MemoryStore store;
  const Manifest one = add_image(store, {"first", "second", "third"});
  const Manifest two = add_image(store, {"fourth"}, "arm64");
  const Manifest three = add_image(store, {"fifth"}, "s390x");
  const Manifest index = add_index(
      store, {entry(one.descriptor(), for_platform("amd64")), entry(two.descriptor(), for_platform("arm64")),
              entry(three.descriptor(), for_platform("s390x"))});
  store.blobs.erase(Digest::of("first"));               // missing
  store.blobs[Digest::of("second")] = "seconD";         // other bytes
  store.blobs[Digest::of("third")] = "third and more";  // longer
  store.blobs[two.config()->digest] = "{}";             // another config
  store.manifests.erase(three.descriptor().digest.to_string());
  const Validation found = validated(store, index);
  CHECK(found.problems.size() == 5);
  CHECK(mentions(found, "linux/amd64, layer 1", "is missing"));
  CHECK(mentions(found, "linux/amd64, layer 2", "has the digest"));
  CHECK(mentions(found, "linux/amd64, layer 3", "longer"));
  CHECK(mentions(found, "linux/arm64, config", two.config()->digest.to_string()));
  CHECK(mentions(found, "linux/s390x", "is missing"));
  CHECK(std::ranges::all_of(found.problems,
                            [](const Problem& each) { return each.error.code == Errc::corrupt; }));
}

TEST_CASE("without layers only their presence and size is asked for") {
  MemoryStore store;
  const Manifest image = add_image(store, {"first", "second", "third"});
  store.blobs.erase(Digest::of("first"));
  store.blobs[Digest::of("second")] = "seconD";
  store.blobs[Digest::of("third")] = "third and more";
  const Validation found = validated(store, image, {.layers = false});
  CHECK(found.problems.size() == 2);
  CHECK(mentions(found, "layer 1", "is missing"));
  CHECK(mentions(found, "layer 3", "14 bytes where its descriptor says 5"));
  CHECK(store.asked("blob") == 1);  // the config
}

TEST_CASE("sizes and types that an index gives wrongly are problems") {
  MemoryStore store;
  const Manifest image = add_image(store, {kTar});
  Descriptor size = image.descriptor();
  size.size += 1;
  const Validation wrong_size = validated(store, add_index(store, {entry(size)}));
  REQUIRE(wrong_size.problems.size() == 1);
  CHECK(wrong_size.problems[0].error.message.find("its descriptor says") != std::string::npos);
  Descriptor type = image.descriptor();
  type.media_type = "application/vnd.docker.distribution.manifest.v2+json";
  const Validation wrong_type = validated(store, add_index(store, {entry(type)}));
  REQUIRE(wrong_type.problems.size() == 1);
  CHECK(wrong_type.problems[0].error.message.find("where its descriptor says") != std::string::npos);
}

TEST_CASE("a config that names another number of layers is a problem") {
  MemoryStore store;
  const Manifest image = add_image(store, {"a", "b"}, "amd64", {Digest::of("a")});
  const Validation found = validated(store, image);
  REQUIRE(found.problems.size() == 1);
  CHECK(mentions(found, "config", "names 1 layers, and the manifest has 2"));
}

TEST_CASE("foreign layers are left out, and counted") {
  MemoryStore store;
  const Manifest image =
      add_image(store, {"base"}, "amd64", {}, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
  store.blobs.erase(Digest::of("base"));
  const Validation found = validated(store, image);
  CHECK(found.problems.empty());
  CHECK(found.left_out == 1);
}

TEST_CASE("two images that say different things about one layer are both looked at") {
  MemoryStore store;
  const Manifest one = add_image(store, {kGzip}, "amd64", {Digest::of(kTar)}, kGzipLayer);
  const Manifest two = add_image(store, {kGzip}, "arm64", {Digest::of("other")}, kGzipLayer);
  const Manifest index = add_index(store, {entry(one.descriptor(), for_platform("amd64")),
                                           entry(two.descriptor(), for_platform("arm64"))});
  const Validation found = validated(store, index);
  REQUIRE(found.problems.size() == 1);
  CHECK(found.problems[0].where == "linux/arm64, layer 1");
}

TEST_CASE("a validation that is stopped is cancelled and not sound") {
  MemoryStore store;
  const Manifest image = add_image(store, {"a"});
  std::stop_source stop;
  stop.request_stop();
  const auto found = validate(store, image.descriptor(), {}, {.stop = stop.get_token(), .deadline = {}});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::cancelled);
}
