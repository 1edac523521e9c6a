#include "codec/decompress.h"

#include "codec/compress.h"
#include "codec/sniff.h"
#include "io/memory.h"
#include "io/read_all.h"
#include "sample.h"
#include "support/catch.h"

using namespace davit;
using codec::FileKind;
using model::Compression;

namespace {

std::shared_ptr<const Content> memory(std::string bytes) {
  return std::make_shared<io::MemoryContent>(std::move(bytes), "");
}

Result<std::string> read(const Content& content, std::uint64_t offset = 0) {
  auto source = content.open(offset, {});
  if (!source) return source.error();
  return io::read_all(**source, 256 << 20);
}

Result<std::string> expand(Compression kind, std::string bytes, codec::ExpansionLimit limit = {}) {
  return read(*codec::decompressed(kind, memory(std::move(bytes)), limit));
}

std::string compress(const std::string& plain, Compression kind) {
  codec::Compressor compressor({.threads = 1});
  return read(*compressor.compressed(memory(plain), {kind}, std::nullopt)).value();
}

/// A zstd frame with a window of 2^log bytes and one raw block "abc" (RFC 8878, section 3.1.1).
std::string frame_with_window(int log) {
  std::string out("\x28\xb5\x2f\xfd\x00", 5);
  out += static_cast<char>((log - 10) << 3);
  return out + std::string("\x19\x00\x00", 3) + "abc";
}

FileKind sniff(std::string_view text) {
  return codec::sniff(std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("members and frames follow each other") {
  CHECK(expand(Compression::gzip, compress("one ", Compression::gzip) + compress("two", Compression::gzip))
            .value() == "one two");
  CHECK(expand(Compression::zstd, compress("one ", Compression::zstd) + compress("two", Compression::zstd))
            .value() == "one two");
  CHECK(expand(Compression::none, "as it is").value() == "as it is");
  const std::string skippable = std::string("\x50\x2a\x4d\x18\x03\x00\x00\x00", 8) + "xyz";
  CHECK(expand(Compression::zstd, skippable + compress("two", Compression::zstd)).value() == "two");
}

TEST_CASE("zeros behind gzip data are padding, anything else is refused") {
  const std::string good = compress("layer", Compression::gzip);
  CHECK(expand(Compression::gzip, good + std::string(100'000, '\0')).value() == "layer");
  CHECK(expand(Compression::gzip, good + "garbage").error().code == Errc::corrupt);
  CHECK(expand(Compression::gzip, good + std::string(10, '\0') + "x").error().code == Errc::corrupt);
  CHECK(expand(Compression::zstd, compress("layer", Compression::zstd) + "garbage").error().code ==
        Errc::corrupt);
}

TEST_CASE("truncated and damaged data is an error wherever it is cut") {
  const auto kind = GENERATE(Compression::gzip, Compression::zstd);
  const std::string whole = compress(test::sample(200'000), kind);
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{1}, std::size_t{9}, whole.size() / 2, whole.size() - 1}) {
    CAPTURE(kept);
    const auto result = expand(kind, whole.substr(0, kept));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::corrupt);
  }
  CHECK(expand(kind, "this is not compressed").error().code == Errc::corrupt);
  std::string flipped = whole;
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);  // the checksum of gzip
  if (kind == Compression::gzip) CHECK(expand(kind, flipped).error().code == Errc::corrupt);
}

TEST_CASE("row 28: expansion stops at the limit") {
  const auto kind = GENERATE(Compression::gzip, Compression::zstd);
  const std::string bomb = compress(std::string(48 << 20, '\0'), kind);
  CHECK(bomb.size() < 300'000);
  const auto refused = expand(kind, bomb, {.bytes = (48u << 20) - 1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corrupt);
  CHECK(expand(kind, bomb, {.bytes = 48u << 20}).value().size() == 48u << 20);

  const auto diff_id = Digest::of(std::string(48 << 20, '\0'));
  CHECK(read(*codec::stored_layer(memory(bomb), bomb.size(), kind, diff_id, {.bytes = 1u << 20}))
            .error()
            .code == Errc::corrupt);
  CHECK(read(*codec::stored_layer(memory(bomb), bomb.size(), kind, diff_id, {})).value() == bomb);
}

TEST_CASE("row 28: zstd windows above 8 MiB are refused") {
  CHECK(expand(Compression::zstd, frame_with_window(23)).value() == "abc");
  const auto refused = expand(Compression::zstd, frame_with_window(24));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK_FALSE(refused.error().hint.empty());
}

TEST_CASE("opening decompressed content in the middle drops the front") {
  const std::string plain = test::sample(500'000);
  const auto content = codec::decompressed(Compression::gzip, memory(compress(plain, Compression::gzip)), {});
  CHECK((read(*content, 123'456).value() == plain.substr(123'456)));
  CHECK_FALSE(content->descriptor());
}

TEST_CASE("row 112: a stored layer is checked against its diff_id while its bytes pass unchanged") {
  const auto kind = GENERATE(Compression::none, Compression::gzip, Compression::zstd);
  const std::string plain = test::sample(700'000);
  const std::string stored = kind == Compression::none ? plain : compress(plain, kind);
  const auto good = codec::stored_layer(memory(stored), stored.size(), kind, Digest::of(plain), {});
  CHECK_FALSE(good->descriptor());
  CHECK((read(*good).value() == stored));
  REQUIRE(good->descriptor());
  CHECK(good->descriptor()->digest == Digest::of(stored));
  CHECK(good->descriptor()->size == stored.size());
  CHECK((read(*good, 1000).value() == stored.substr(1000)));

  const auto bad = codec::stored_layer(memory(stored), stored.size(), kind, Digest::of("else"), {});
  const auto source = bad->open(0, {}).value();
  std::vector<std::byte> buffer(4096);
  std::size_t out = 0;
  Result<std::size_t> count = std::size_t{0};
  while ((count = source->read(buffer))) {
    REQUIRE(*count != 0);
    out += *count;
  }
  CHECK(count.error().code == Errc::corrupt);
  CHECK(out < stored.size());
  CHECK_FALSE(bad->descriptor());
}

TEST_CASE(
    "row 112: a layer that is kept plain is checked against its diff_id before its last bytes are out") {
  const std::size_t size =
      GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{64 << 10}, std::size_t{700'000});
  const std::string plain = test::sample(size);
  const auto good = codec::plain_layer(memory(plain), Digest::of(plain));
  CHECK_FALSE(good->descriptor());
  CHECK((read(*good).value() == plain));
  REQUIRE(good->descriptor());
  CHECK(good->descriptor()->digest == Digest::of(plain));
  CHECK(good->descriptor()->size == plain.size());
  CHECK((read(*good, size / 2).value() == plain.substr(size / 2)));

  const auto bad = codec::plain_layer(memory(plain), Digest::of("else"));
  const auto source = bad->open(0, {}).value();
  std::vector<std::byte> buffer(4096);
  std::size_t out = 0;
  Result<std::size_t> count = std::size_t{0};
  while ((count = source->read(buffer))) {
    REQUIRE(*count != 0);
    out += *count;
  }
  CHECK(count.error().code == Errc::corrupt);
  CHECK((out < size || size == 0));
  CHECK_FALSE(source->read(buffer));
  CHECK_FALSE(bad->descriptor());
}

TEST_CASE("a stored layer of zero bytes is a layer") {
  const auto content = codec::stored_layer(memory(""), 0, Compression::none, Digest::of(""), {});
  CHECK(read(*content).value().empty());
  CHECK(content->descriptor()->digest == Digest::of(""));
}

TEST_CASE("row 123: the kind of a file is seen in its first bytes") {
  CHECK(sniff("") == FileKind::empty);
  CHECK(sniff("\x1f\x8b\x08") == FileKind::gzip);
  CHECK(sniff("\x28\xb5\x2f\xfd ...") == FileKind::zstd);
  CHECK(sniff(std::string_view("\x5f\x2a\x4d\x18", 4)) == FileKind::zstd);
  CHECK(sniff(std::string_view("\xfd"
                               "7zXZ\0",
                               6)) == FileKind::xz);
  CHECK(sniff("BZh91AY") == FileKind::bzip2);
  CHECK(sniff("PK\x03\x04") == FileKind::zip);
  CHECK(sniff("hsqs") == FileKind::squashfs);
  CHECK(sniff("  <!DOCTYPE HTML>") == FileKind::html);
  CHECK(sniff("\xef\xbb\xbf<html lang=en>") == FileKind::html);
  CHECK(sniff(" {\"schemaVersion\": 2}") == FileKind::json);
  CHECK(sniff("[]") == FileKind::json);
  CHECK(sniff("plain text") == FileKind::unknown);
  CHECK(sniff(std::string(512, '\0')) == FileKind::tar);
  CHECK(sniff(std::string(512, 'x')) == FileKind::unknown);
  CHECK(sniff(std::string(100, '\0')) == FileKind::unknown);
}
