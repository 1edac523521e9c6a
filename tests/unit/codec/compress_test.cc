#include "codec/compress.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "codec/decompress.h"
#include "io/memory.h"
#include "io/read_all.h"
#include "sample.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit;
using codec::Compressor;
using codec::CompressSpec;
using model::Compression;

namespace {

constexpr std::size_t kLimit = 64 << 20;

std::shared_ptr<const Content> memory(std::string bytes) {
  return std::make_shared<io::MemoryContent>(std::move(bytes), "");
}

Result<std::string> read(const Content& content, std::uint64_t offset = 0, const CallContext& context = {}) {
  auto source = content.open(offset, context);
  if (!source) return source.error();
  return io::read_all(**source, kLimit);
}

std::string compress(const std::string& plain, const CompressSpec& spec, std::size_t threads = 2) {
  Compressor compressor({.threads = threads});
  return read(*compressor.compressed(memory(plain), spec, Digest::of(plain))).value();
}

std::string expand(Compression kind, const std::string& bytes) {
  return read(*codec::decompressed(kind, memory(bytes), {})).value();
}

/// Gives its bytes in small pieces, then fails.
class FailingContent final : public Content {
 public:
  explicit FailingContent(std::size_t good) : good_(good) {}
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t, const CallContext&) const override {
    class Source final : public ByteSource {
     public:
      explicit Source(std::size_t good) : left_(good) {}
      Result<std::size_t> read(std::span<std::byte> into) override {
        if (left_ == 0) return make_error(Errc::local_io, "the disk is gone");
        const std::size_t count = std::min({into.size(), left_, std::size_t{1000}});
        std::fill_n(into.begin(), count, std::byte{'a'});
        left_ -= count;
        return count;
      }

     private:
      std::size_t left_;
    };
    return std::unique_ptr<ByteSource>(std::make_unique<Source>(good_));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return std::nullopt; }

 private:
  std::size_t good_;
};

}  // namespace

TEST_CASE("compressed bytes do not depend on the number of threads and expand to what went in") {
  const auto kind = GENERATE(Compression::gzip, Compression::zstd);
  const std::size_t size = GENERATE(0u, 1u, 511u, codec::kBlockSize - 1, codec::kBlockSize,
                                    codec::kBlockSize + 1, 3 * codec::kBlockSize, 5'000'003u);
  const std::string plain = test::sample(size);
  const std::string one = compress(plain, {kind}, 1);
  CHECK((expand(kind, one) == plain));
  CHECK((compress(plain, {kind}, 2) == one));
  CHECK((compress(plain, {kind}, 16) == one));
}

TEST_CASE("every level of both kinds expands to what went in") {
  const std::string plain = test::sample(300'000);
  for (int level = 1; level <= 12; ++level)
    CHECK((expand(Compression::gzip, compress(plain, {Compression::gzip, level})) == plain));
  for (int level = 1; level <= 19; ++level)
    CHECK((expand(Compression::zstd, compress(plain, {Compression::zstd, level})) == plain));
  CHECK((compress(plain, {Compression::gzip, 6}).size() < compress(plain, {}).size()));
  CHECK((compress(plain, {}) == compress(plain, {Compression::gzip, 2})));
}

TEST_CASE("levels that do not exist are refused") {
  CHECK(codec::validate({Compression::gzip, 12}));
  CHECK(codec::validate({Compression::zstd, 19}));
  CHECK(codec::validate({Compression::gzip, std::nullopt}));
  CHECK(codec::validate({Compression::gzip, 0}).error().code == Errc::invalid_argument);
  CHECK(codec::validate({Compression::gzip, 13}).error().code == Errc::invalid_argument);
  CHECK(codec::validate({Compression::zstd, 20}).error().code == Errc::invalid_argument);
  CHECK(codec::validate({Compression::none, 1}).error().code == Errc::invalid_argument);
}

TEST_CASE("what will not shrink is stored, with next to no growth") {
  const std::string plain = test::noise(3'000'000);
  for (const Compression kind : {Compression::gzip, Compression::zstd}) {
    const std::string out = compress(plain, {kind});
    CHECK(out.size() < plain.size() + plain.size() / 1000);
    CHECK((expand(kind, out) == plain));
  }
}

TEST_CASE("other programs read what the compressor writes") {
  const std::string plain = test::sample(2 * codec::kBlockSize + 77);
  const test::TempDir directory;
  directory.write("plain", plain);
  directory.write("out.gz", compress(plain, {}));
  directory.write("out.zst", compress(plain, {Compression::zstd}));
  directory.write("empty.gz", compress("", {}));
  const auto works = [&](const std::string& command) {
    return std::system(("cd " + directory.path().string() + " && " + command).c_str()) ==
           0;  // NOLINT: fixed commands
  };
  CHECK(works("zcat out.gz | cmp - plain"));
  CHECK(works("test -z \"$(zcat empty.gz)\""));
  CHECK(
      works("python3 -c 'import gzip,sys; sys.exit(gzip.open(\"out.gz\").read() != "
            "open(\"plain\",\"rb\").read())'"));
  if (works("command -v busybox >/dev/null")) {
    CHECK(works("busybox gunzip -c out.gz | cmp - plain"));
  } else {
    WARN("busybox is not installed: not tried");
  }
  if (works("command -v zstd >/dev/null")) {
    CHECK(works("zstd -dc out.zst | cmp - plain"));
  } else {
    WARN("zstd is not installed: not tried");
  }
}

TEST_CASE("the descriptor is known after the first whole reading, and only then") {
  const std::string plain = test::sample(2'500'000);
  Compressor compressor({.threads = 2});
  const auto content = compressor.compressed(memory(plain), {}, Digest::of(plain));
  CHECK_FALSE(content->descriptor());
  const auto source = content->open(0, {}).value();
  std::byte first{};
  REQUIRE(source->read(std::span(&first, 1)).value() == 1);
  CHECK_FALSE(content->descriptor());
  const std::string rest = io::read_all(*source, kLimit).value();
  const std::string whole = static_cast<char>(first) + rest;
  REQUIRE(content->descriptor());
  CHECK(content->descriptor()->digest == Digest::of(whole));
  CHECK(content->descriptor()->size == whole.size());
}

TEST_CASE("opening in the middle gives the same bytes from there on") {
  const std::string plain = test::sample(3'000'000);
  Compressor compressor({.threads = 2});
  const auto content = compressor.compressed(memory(plain), {}, std::nullopt);
  const std::string whole = read(*content).value();
  for (const std::size_t offset : {std::size_t{1}, whole.size() / 2, whole.size() - 1, whole.size()}) {
    CHECK((read(*content, offset).value() == whole.substr(offset)));
  }
}

TEST_CASE("row 112: plain bytes with another digest fail before the last compressed bytes are out") {
  // A whole number of blocks is the case in which the end of the input is not seen by itself.
  const std::size_t size = GENERATE(0u, 5u, 4 * codec::kBlockSize, 4 * codec::kBlockSize + 1);
  const std::string plain = test::sample(size);
  const std::string good = compress(plain, {});
  Compressor compressor({.threads = 2});
  const auto content = compressor.compressed(memory(plain), {}, Digest::of("something else"));
  const auto source = content->open(0, {}).value();
  std::vector<std::byte> buffer(10'000);
  std::size_t out = 0;
  for (;;) {
    const auto count = source->read(buffer);
    if (!count) {
      CHECK(count.error().code == Errc::corrupt);
      break;
    }
    REQUIRE(*count != 0);
    out += *count;
  }
  CHECK(out < good.size());
  CHECK_FALSE(content->descriptor());
  CHECK(source->read(buffer).error().code == Errc::corrupt);  // and it stays that way
}

TEST_CASE("a failing input is reported") {
  Compressor compressor({.threads = 2});
  const auto error =
      read(*compressor.compressed(std::make_shared<FailingContent>(3'000'000), {}, std::nullopt)).error();
  CHECK(error.code == Errc::local_io);
  CHECK(error.message == "the disk is gone");
}

TEST_CASE("many sources share little memory without waiting for each other") {
  const std::string plain = test::sample(4'000'000);
  const std::string expected = compress(plain, {});
  Compressor compressor({.threads = 2, .memory = 3u << 20});
  std::atomic<int> right = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      if (read(*compressor.compressed(memory(plain), {}, Digest::of(plain))).value() == expected) ++right;
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(right == 8);
}

TEST_CASE("a source that is dropped halfway leaves nothing behind") {
  const std::string plain = test::sample(8'000'000);
  Compressor compressor({.threads = 2});
  for (int i = 0; i < 20; ++i) {
    const auto source =
        compressor.compressed(memory(plain), {Compression::gzip, 9}, std::nullopt)->open(0, {}).value();
    std::byte one{};
    if (i % 2 == 0) REQUIRE(source->read(std::span(&one, 1)));
  }
  CHECK(read(*compressor.compressed(memory("abc"), {}, std::nullopt)));
}

TEST_CASE("a compressor may go before its sources") {
  std::unique_ptr<ByteSource> source;
  const std::string plain = test::sample(4'000'000);
  {
    Compressor compressor({.threads = 2});
    source = compressor.compressed(memory(plain), {}, std::nullopt)->open(0, {}).value();
  }
  CHECK((io::read_all(*source, kLimit).value() == compress(plain, {})));
}

TEST_CASE("a stopped or overdue reading ends") {
  Compressor compressor({.threads = 1});
  const auto content = compressor.compressed(memory(test::sample(4'000'000)), {}, std::nullopt);
  std::stop_source stop;
  stop.request_stop();
  CHECK(read(*content, 0, {.stop = stop.get_token()}).error().code == Errc::cancelled);
  CHECK(read(*content, 0, {.deadline = std::chrono::steady_clock::now()}).error().code == Errc::timeout);
  std::stop_source later;
  const auto source = content->open(0, {.stop = later.get_token()}).value();
  std::byte one{};
  REQUIRE(source->read(std::span(&one, 1)));
  later.request_stop();
  CHECK(io::read_all(*source, kLimit).error().code == Errc::cancelled);
}

TEST_CASE("a source says when it is ready") {
  Compressor compressor({.threads = 2});
  const std::string plain = test::sample(5'000'000);
  const auto source =
      compressor.compressed(memory(plain), {Compression::gzip, 9}, std::nullopt)->open(0, {}).value();
  std::mutex mutex;
  std::condition_variable changed;
  int woken = 0;
  int waited = 0;
  std::string out;
  std::vector<std::byte> buffer(codec::kEncodedMax);
  for (;;) {
    const int before = woken;
    const bool ready = source->ready([&] {
      std::lock_guard lock(mutex);
      ++woken;
      changed.notify_all();
    });
    if (!ready) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return woken != before; });
      ++waited;
      lock.unlock();
      CHECK(source->ready([] {}));
    }
    const std::size_t count = source->read(buffer).value();
    if (count == 0) break;
    out.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
  CHECK(woken == waited);
  CHECK((expand(Compression::gzip, out) == plain));
}
