#include "transfer/tee.h"

#include <atomic>
#include <thread>

#include "base/error.h"
#include "io/memory.h"
#include "io/read_all.h"
#include "io/verified.h"
#include "support/catch.h"

using davit::ByteSource;
using davit::CallContext;
using davit::Content;
using davit::Result;
using davit::transfer::Tee;
using davit::transfer::TeeOptions;

namespace {

std::string sample(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 7;
  for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

/// Memory that counts how often it is opened, and fails at a byte when told to.
class Origin final : public Content {
 public:
  explicit Origin(std::string bytes, std::size_t fail_at = SIZE_MAX)
      : inner_(std::move(bytes), "x"), fail_at_(fail_at) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    ++opened;
    if (fail_at_ == SIZE_MAX) return inner_.open(offset, context);
    auto inner = inner_.open(offset, context);
    return std::unique_ptr<ByteSource>(std::make_unique<Failing>(*std::move(inner), fail_at_));
  }
  [[nodiscard]] std::optional<davit::Descriptor> descriptor() const override { return inner_.descriptor(); }

  mutable std::atomic<int> opened = 0;

 private:
  class Failing final : public ByteSource {
   public:
    Failing(std::unique_ptr<ByteSource> inner, std::size_t left) : inner_(std::move(inner)), left_(left) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (left_ == 0) return davit::make_error(davit::Errc::corrupt, "broken");
      auto count = inner_->read(into.first(std::min(into.size(), left_)));
      if (count) left_ -= *count;
      return count;
    }

   private:
    std::unique_ptr<ByteSource> inner_;
    std::size_t left_;
  };

  davit::io::MemoryContent inner_;
  std::size_t fail_at_;
};

std::string drain(const Content& content, std::uint64_t offset = 0) {
  const auto source = content.open(offset, {}).value();
  return davit::io::read_all(*source, 64 << 20).value();
}

constexpr TeeOptions kSmall{.block_size = 1000, .depth = 2};

}  // namespace

TEST_CASE("all branches get the same bytes from one reading") {
  const std::string bytes = sample(100'500);
  const auto origin = std::make_shared<Origin>(bytes);
  Tee tee(origin, 3, kSmall, {});
  std::string got[3];
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < 3; ++i) readers.emplace_back([&, i] { got[i] = drain(*tee.branch(i)); });
  for (std::thread& reader : readers) reader.join();
  for (const std::string& text : got) CHECK(text == bytes);
  CHECK(origin->opened == 1);
}

TEST_CASE("a second open of a branch goes on alone and the others are not disturbed") {
  const std::string bytes = sample(50'000);
  const auto origin = std::make_shared<Origin>(bytes);
  Tee tee(origin, 2, kSmall, {});
  const auto retried = tee.branch(0);
  {
    const auto first = retried->open(0, {}).value();
    std::vector<std::byte> some(1500);
    CHECK(first->read(some));
  }
  CHECK(drain(*retried) == bytes);
  CHECK(drain(*retried, 40'000) == bytes.substr(40'000));
  CHECK(drain(*tee.branch(1)) == bytes);
}

TEST_CASE("a branch that keeps the others waiting is left behind and still gets every byte") {
  const std::string bytes = sample(50'000);
  const auto origin = std::make_shared<Origin>(bytes);
  Tee tee(origin, 2, {.block_size = 1000, .depth = 2, .patience = std::chrono::milliseconds(20)}, {});
  const auto slow = tee.branch(0)->open(0, {}).value();
  std::vector<std::byte> one(1);
  REQUIRE(slow->read(one).value() == 1);
  CHECK(drain(*tee.branch(1)) == bytes);  // ends only if the slow branch is not waited for
  CHECK(tee.detached(0));
  CHECK_FALSE(tee.detached(1));
  CHECK(davit::io::read_all(*slow, 1 << 20).value() == bytes.substr(1));
  CHECK(origin->opened == 2);
}

TEST_CASE("a branch that holds the others up a little each time is left behind as well") {
  const std::string bytes = sample(50'000);
  Tee tee(std::make_shared<Origin>(bytes), 2,
          {.block_size = 1000, .depth = 2, .patience = std::chrono::milliseconds(20)}, {});
  const auto slow = tee.branch(0)->open(0, {}).value();
  std::string read;
  std::thread reader([&] {
    std::array<std::byte, 1000> block;
    for (std::size_t count = slow->read(block).value(); count != 0; count = slow->read(block).value()) {
      read.append(reinterpret_cast<const char*>(block.data()), count);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // this is what makes it slow
    }
  });
  CHECK(drain(*tee.branch(1)) == bytes);
  reader.join();
  CHECK(tee.detached(0));
  CHECK(read == bytes);
}

TEST_CASE("a branch that is released is not waited for") {
  const std::string bytes = sample(50'000);
  Tee tee(std::make_shared<Origin>(bytes), 2, kSmall, {});
  tee.release(0);
  CHECK(drain(*tee.branch(1)) == bytes);
}

TEST_CASE("an error of the source reaches every branch") {
  Tee tee(std::make_shared<Origin>(sample(50'000), 20'000), 2, kSmall, {});
  std::atomic<int> failures = 0;
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      const auto source = tee.branch(i)->open(0, {}).value();
      const auto all = davit::io::read_all(*source, 1 << 20);
      if (!all && all.error().code == davit::Errc::corrupt) ++failures;
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(failures == 2);
}

TEST_CASE("row 84: a stop wakes a branch that waits") {
  std::stop_source stop;
  const CallContext context{.stop = stop.get_token()};
  Tee tee(std::make_shared<Origin>(sample(50'000)), 2,
          {.block_size = 1000, .depth = 1, .patience = std::chrono::hours(1)}, context);
  const auto source =
      tee.branch(0)->open(0, context).value();  // branch 1 is never read: the reading stands still
  std::thread stopper;
  std::vector<std::byte> all(50'000);
  const auto read = [&] { return davit::io::read_full(*source, all); };
  stopper = std::thread([&] { stop.request_stop(); });
  const auto result = read();
  stopper.join();
  REQUIRE_FALSE(result);
  CHECK(result.error().code == davit::Errc::cancelled);
}

TEST_CASE("a deadline wakes a branch that waits") {
  const CallContext context{.stop = {},
                            .deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)};
  Tee tee(std::make_shared<Origin>(sample(50'000)), 2,
          {.block_size = 1000, .depth = 1, .patience = std::chrono::hours(1)}, {});
  const auto source =
      tee.branch(0)->open(0, context).value();  // branch 1 is never read: the reading stands still
  std::vector<std::byte> all(50'000);
  const auto result = davit::io::read_full(*source, all);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == davit::Errc::timeout);
}

TEST_CASE("sources outlive their tee") {
  const std::string bytes = sample(50'000);
  std::unique_ptr<ByteSource> source;
  {
    Tee tee(std::make_shared<Origin>(bytes), 1, kSmall, {});
    source = tee.branch(0)->open(0, {}).value();
  }
  CHECK(davit::io::read_all(*source, 1 << 20).value() == bytes);
}

TEST_CASE("ready says when a read would wait, and wakes when it no longer would") {
  std::atomic<bool> woken = false;
  Tee tee(std::make_shared<Origin>(sample(3000)), 1, kSmall, {});
  const auto source = tee.branch(0)->open(0, {}).value();
  while (!source->ready([&] { woken = true; }) && !woken) std::this_thread::yield();
  CHECK(davit::io::read_all(*source, 1 << 20).value().size() == 3000);
}

TEST_CASE("rows 24 and 122: verified content fails before it would complete something else") {
  using davit::io::verified;
  const std::string bytes = sample(5000);
  davit::Descriptor descriptor{.digest = davit::Digest::of(bytes), .size = bytes.size()};
  const auto read = [&](const std::string& actual) {
    auto source = davit::io::MemoryContent(actual, "").open(0, {}).value();
    std::size_t handed_out = 0;
    const auto checked = verified(std::move(source), descriptor);
    std::vector<std::byte> block(700);
    for (;;) {
      const auto count = checked->read(block);
      if (!count) return std::pair(count.error().code, handed_out);
      if (*count == 0) return std::pair(davit::Errc::internal, handed_out);
      handed_out += *count;
    }
  };
  CHECK(read(bytes).second == bytes.size());
  std::string flipped = bytes;
  flipped.back() ^= 1;
  for (const std::string& wrong : {flipped, bytes + "x", bytes.substr(1), std::string()}) {
    CHECK(read(wrong).first == davit::Errc::corrupt);
    CHECK(read(wrong).second < bytes.size());
  }
}
