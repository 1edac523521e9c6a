#include "transfer/assemble.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/mutex.h"
#include "base/notifier.h"
#include "support/catch.h"

using namespace davit;
using transfer::AssembleOptions;

namespace {

std::string some_bytes(std::size_t size) {
  std::string out(size, '\0');
  std::uint64_t state = 42;
  for (char& byte : out) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  return out;
}

class MemoryDraft final : public BlobDraft {
 public:
  explicit MemoryDraft(std::size_t size) : bytes(size, '\0') {}

  [[nodiscard]] std::uint64_t kept() const override { return kept_bytes; }
  Result<> write_at(std::uint64_t offset, std::span<const std::byte> from) override {
    if (full_at && offset + from.size() > *full_at) return make_error(Errc::local_io, "no space left");
    if (offset + from.size() > bytes.size()) return make_error(Errc::internal, "beyond the blob's end");
    std::memcpy(bytes.data() + offset, from.data(), from.size());
    written += from.size();
    return {};
  }
  Result<> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::memcpy(into.data(), bytes.data() + offset, into.size());
    read_to = offset + into.size();
    return {};
  }
  Result<> restart() override {
    ++restarts;
    std::ranges::fill(bytes, '\0');
    return {};
  }
  Result<> commit() override {
    committed = true;
    return {};
  }

  std::string bytes;
  std::uint64_t kept_bytes = 0;
  std::optional<std::uint64_t> full_at;
  std::atomic<std::uint64_t> written = 0;
  mutable std::atomic<std::uint64_t> read_to = 0;  ///< hashing is about to have come so far
  int restarts = 0;
  bool committed = false;
};

/// A source whose streams can be made to wait for each other.
class Origin final : public Content, public RangeReader {
 public:
  explicit Origin(std::string bytes) : bytes_(std::move(bytes)) {
    blob_ = {.media_type = "application/octet-stream", .digest = Digest::of(bytes_), .size = bytes_.size()};
  }

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext&) const override {
    const std::lock_guard lock(mutex);
    whole_from.push_back(offset);
    return std::unique_ptr<ByteSource>(std::make_unique<Stream>(*this, offset, bytes_.size(), true));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return blob_; }

  Result<std::unique_ptr<ByteSource>> open_range(const Descriptor&, ByteRange range,
                                                 const CallContext&) override {
    {
      const std::lock_guard lock(mutex);
      ranges.push_back(range);
      if (hashed != nullptr && range.offset > *hashed)
        most_ahead = std::max(most_ahead, range.offset - *hashed);
    }
    changed.notify_all();
    if (falls_apart) return falling_apart(range);
    if (no_ranges) return make_error(Errc::unsupported, "no ranges");
    if (failing_ranges) return make_error(Errc::unavailable, "that connection is gone");
    return std::unique_ptr<ByteSource>(
        std::make_unique<Stream>(*this, range.offset, range.offset + range.length, false));
  }

  /// The first stream stops at this byte until so many ranges have been asked for.
  std::uint64_t wait_at = UINT64_MAX;
  std::size_t wait_for = 0;
  bool no_ranges = false;
  bool failing_ranges = false;
  std::optional<std::uint64_t> breaks_at;
  /// Of two ranges the first one fails at once, the second near its end when the first one's slot is free.
  transfer::Slots* falls_apart = nullptr;
  const std::atomic<std::uint64_t>* hashed = nullptr;
  std::uint64_t most_ahead = 0;  ///< how far beyond `hashed` a range began

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  mutable std::vector<std::uint64_t> whole_from;
  std::vector<ByteRange> ranges;

 private:
  Result<std::unique_ptr<ByteSource>> falling_apart(const ByteRange& range) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ranges.size() >= 2; });
    if (range.offset == std::ranges::min(ranges, {}, &ByteRange::offset).offset)
      return make_error(Errc::unavailable, "that connection is gone");
    auto stream = std::make_unique<Stream>(*this, range.offset, range.offset + range.length, false);
    stream->fails_at = range.offset + range.length - (64u << 10);
    return std::unique_ptr<ByteSource>(std::move(stream));
  }

  class Stream final : public ByteSource {
   public:
    Stream(const Origin& origin, std::uint64_t at, std::uint64_t end, bool first)
        : origin_(origin), at_(at), end_(end), first_(first) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (first_ && at_ >= origin_.wait_at) {
        std::unique_lock lock(origin_.mutex);
        origin_.changed.wait(lock, [&] { return origin_.ranges.size() >= origin_.wait_for; });
      }
      if (origin_.breaks_at && at_ >= *origin_.breaks_at) return make_error(Errc::unavailable, "cut off");
      if (fails_at && at_ >= *fails_at) {
        while (!origin_.falls_apart->try_take()) std::this_thread::yield();
        origin_.falls_apart->give_back();
        return make_error(Errc::unavailable, "that connection is gone, too");
      }
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), fails_at.value_or(end_) - at_));
      std::memcpy(into.data(), origin_.bytes_.data() + at_, count);
      at_ += count;
      return count;
    }

    std::optional<std::uint64_t> fails_at;

   private:
    const Origin& origin_;
    std::uint64_t at_;
    std::uint64_t end_;
    bool first_;
  };

  std::string bytes_;
  Descriptor blob_;
};

constexpr std::size_t kSize = 6u << 20;

/// Everything small, the first look at the rate decides, and no helper is sent home.
constexpr AssembleOptions kEager{.small = 1u << 20,
                                 .least_part = 256u << 10,
                                 .most_part = 1u << 20,
                                 .lead = 1u << 20,
                                 .worthwhile = 0,
                                 .window = std::chrono::milliseconds(0)};

struct Fixture {
  Fixture() : origin(some_bytes(kSize)), draft(kSize), board(nullptr, notifier) {}

  Result<> assemble(const AssembleOptions& options, RangeReader* ranges, const CallContext& context = {}) {
    const Descriptor blob = *origin.descriptor();
    progress = board.start("blob", blob.size);
    return transfer::assemble({blob, origin, ranges}, draft, slots, *progress, options, context);
  }

  Origin origin;
  MemoryDraft draft;
  Notifier notifier;
  transfer::Board board;
  transfer::Slots slots{4};
  std::shared_ptr<transfer::BlobProgress> progress;
};

}  // namespace

TEST_CASE("a blob is received, hashed and committed", "[assemble]") {
  Fixture f;
  const AssembleOptions options{.small = GENERATE(as<std::uint64_t>(), 1u << 20, 64u << 20)};
  REQUIRE(f.assemble(options, &f.origin));
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.draft.committed);
  CHECK(f.origin.whole_from == std::vector<std::uint64_t>{0});
  CHECK(f.progress->done() == kSize);
}

TEST_CASE("what an earlier run left is hashed, not fetched", "[assemble]") {
  Fixture f;
  const std::uint64_t kept = GENERATE(as<std::uint64_t>(), 1u << 20, kSize - 10, kSize);
  std::memcpy(f.draft.bytes.data(), some_bytes(kSize).data(), kept);
  f.draft.kept_bytes = kept;
  REQUIRE(f.assemble({.small = 1u << 20}, nullptr));
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.draft.written == kSize - kept);
  CHECK(f.draft.committed);
}

TEST_CASE("a damaged beginning is fetched again", "[assemble]") {
  Fixture f;
  f.draft.kept_bytes = 2u << 20;  // zeros
  REQUIRE(f.assemble({.small = GENERATE(as<std::uint64_t>(), 1u << 20, 64u << 20)}, nullptr));
  CHECK(f.draft.restarts == 1);
  CHECK(f.draft.bytes == some_bytes(kSize));
}

TEST_CASE("wrong bytes are never committed", "[assemble]") {
  Fixture f;
  const Descriptor other{.media_type = "x", .digest = Digest::of("something else"), .size = kSize};
  auto progress = f.board.start("blob", kSize);
  const auto result = transfer::assemble({other, f.origin, nullptr}, f.draft, f.slots, *progress,
                                         {.small = GENERATE(as<std::uint64_t>(), 1u << 20, 64u << 20)}, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::corrupt);
  CHECK(result.error().side == Side::source);
  CHECK_FALSE(f.draft.committed);
  CHECK(f.draft.restarts == 1);
}

TEST_CASE("a stream that is the bottleneck gets helpers", "[assemble]") {
  Fixture f;
  f.origin.wait_at = 512u << 10;
  f.origin.wait_for = 2;
  REQUIRE(f.assemble(kEager, &f.origin));
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.draft.committed);
  CHECK(f.draft.written == kSize);  // nothing twice
  CHECK(f.origin.ranges.size() >= 2);
  for (const ByteRange& range : f.origin.ranges) CHECK(range.length <= kEager.most_part);
  CHECK(f.progress->done() == kSize);
  CHECK(f.slots.try_take());  // all slots are back
}

TEST_CASE("helpers do not run far ahead of hashing", "[assemble]") {
  Fixture f;
  f.origin.wait_at = 512u << 10;
  f.origin.wait_for = 3;
  f.origin.hashed = &f.draft.read_to;
  AssembleOptions options = kEager;
  options.most_unhashed = 2u << 20;
  REQUIRE(f.assemble(options, &f.origin));
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.origin.ranges.size() >= 3);
  CHECK(f.origin.most_ahead <= options.most_unhashed);
}

TEST_CASE("what helpers give back is brought in its order", "[assemble]") {
  Fixture f;
  f.origin.wait_at = 256u << 10;  // after the first block, so that all offsets are known
  f.origin.wait_for = 2;
  f.origin.falls_apart = &f.slots;
  REQUIRE(f.slots.try_take());  // two are left, for two helpers
  REQUIRE(f.slots.try_take());
  AssembleOptions options = kEager;
  options.least_part = options.most_part = 512u << 10;
  options.lead = 256u << 10;
  options.most_unhashed = 896u << 10;
  const CallContext context{.stop = {},
                            .deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60)};
  const auto result = f.assemble(options, &f.origin, context);
  INFO((result ? std::string() : result.error().message));
  REQUIRE(result);
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.draft.written == kSize);
}

TEST_CASE("where ranges are not served one stream brings everything", "[assemble]") {
  Fixture f;
  f.origin.wait_at = 512u << 10;
  f.origin.wait_for = 1;
  f.origin.no_ranges = true;
  REQUIRE(f.assemble(kEager, &f.origin));
  CHECK(f.draft.bytes == some_bytes(kSize));
  CHECK(f.draft.written == kSize);
}

TEST_CASE("helpers that fail leave their work to the first stream", "[assemble]") {
  Fixture f;
  f.origin.wait_at = 512u << 10;
  f.origin.wait_for = 1;
  f.origin.failing_ranges = true;
  const auto result = f.assemble(kEager, &f.origin);
  REQUIRE(result);
  CHECK(f.draft.bytes == some_bytes(kSize));
}

TEST_CASE("without slots to spare there is one connection", "[assemble]") {
  Fixture f;
  while (f.slots.try_take()) {
  }
  REQUIRE(f.assemble(kEager, &f.origin));
  CHECK(f.origin.ranges.empty());
  CHECK(f.draft.bytes == some_bytes(kSize));
}

TEST_CASE("errors keep their side", "[assemble]") {
  Fixture f;
  const AssembleOptions options{.small = GENERATE(as<std::uint64_t>(), 1u << 20, 64u << 20)};
  SECTION("a source that breaks off") {
    f.origin.breaks_at = 3u << 20;
    const auto result = f.assemble(options, nullptr);
    REQUIRE_FALSE(result);
    CHECK(result.error().side == Side::source);
    CHECK(result.error().code == Errc::unavailable);
  }
  SECTION("a disk that is full") {
    f.draft.full_at = 3u << 20;
    const auto result = f.assemble(options, nullptr);
    REQUIRE_FALSE(result);
    CHECK(result.error().side == Side::destination);
    CHECK(result.error().code == Errc::local_io);
  }
  CHECK_FALSE(f.draft.committed);
}

TEST_CASE("a stopped caller ends the assembly", "[assemble]") {
  Fixture f;
  std::stop_source stop;
  stop.request_stop();
  const Descriptor blob = *f.origin.descriptor();
  auto progress = f.board.start("blob", kSize);
  f.draft.kept_bytes = kSize / 2;
  const auto result = transfer::assemble({blob, f.origin, nullptr}, f.draft, f.slots, *progress,
                                         {.small = GENERATE(as<std::uint64_t>(), 1u << 20, 64u << 20)},
                                         {.stop = stop.get_token(), .deadline = {}});
  CHECK_FALSE(f.draft.committed);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::cancelled);
}
