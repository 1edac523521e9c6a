#include "registry/spool.h"

#include <algorithm>
#include <cstring>

#include "base/try.h"

namespace davit::registry {
namespace {

constexpr std::size_t kBlock = 512u << 10;

}  // namespace

struct Spool::Block {
  explicit Block(Registry& from)
      : registry(from), bytes(std::make_unique_for_overwrite<std::byte[]>(kBlock)) {}
  ~Block() { registry.release_spool(kBlock); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  [[nodiscard]] std::span<const std::byte> used() const { return {bytes.get(), count}; }

  Registry& registry;
  std::unique_ptr<std::byte[]> bytes;
  std::size_t count = 0;
};

/// Goes over the blocks and leaves them.
class Spool::Reader final : public ByteSource {
 public:
  explicit Reader(const std::deque<std::unique_ptr<Block>>& blocks) : blocks_(blocks) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    while (block_ < blocks_.size() && begin_ == blocks_[block_]->count) ++block_, begin_ = 0;
    if (block_ == blocks_.size()) return std::size_t{0};
    const auto rest = blocks_[block_]->used().subspan(begin_);
    const std::size_t count = std::min(into.size(), rest.size());
    std::memcpy(into.data(), rest.data(), count);
    begin_ += count;
    return count;
  }

 private:
  const std::deque<std::unique_ptr<Block>>& blocks_;
  std::size_t block_ = 0;
  std::size_t begin_ = 0;
};

/// Gives each block back once it has been read.
class Spool::Drain final : public ByteSource {
 public:
  explicit Drain(Spool spool) : spool_(std::move(spool)) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    while (!spool_.blocks_.empty() && begin_ == spool_.blocks_.front()->count)
      spool_.blocks_.pop_front(), begin_ = 0;
    if (spool_.blocks_.empty())
      return spool_.whole_ ? Result<std::size_t>(std::size_t{0}) : spool_.rest_->read(into);
    const auto rest = spool_.blocks_.front()->used().subspan(begin_);
    const std::size_t count = std::min(into.size(), rest.size());
    std::memcpy(into.data(), rest.data(), count);
    begin_ += count;
    return count;
  }
  bool ready(const std::function<void()>& wake) override {
    const bool in_memory =
        spool_.blocks_.size() > 1 || (spool_.blocks_.size() == 1 && begin_ < spool_.blocks_.front()->count);
    return in_memory || spool_.whole_ || spool_.rest_->ready(wake);
  }

 private:
  Spool spool_;
  std::size_t begin_ = 0;
};

Spool::Spool(std::unique_ptr<ByteSource> rest) : rest_(std::move(rest)) {}
Spool::Spool(Spool&&) noexcept = default;
Spool::~Spool() = default;

Result<Spool> Spool::fill(Registry& registry, std::unique_ptr<ByteSource> source, std::uint64_t most) {
  Spool spool(std::move(source));
  while (spool.size_ < most) {
    if (spool.blocks_.empty() || spool.blocks_.back()->count == kBlock) {
      if (!registry.reserve_spool(kBlock)) return spool;
      spool.blocks_.push_back(std::make_unique<Block>(registry));
    }
    Block& block = *spool.blocks_.back();
    DAVIT_TRY(const std::size_t count,
              spool.rest_->read({block.bytes.get() + block.count, kBlock - block.count}));
    if (count == 0) {
      spool.whole_ = true;
      return spool;
    }
    block.count += count;
    spool.size_ += count;
  }
  return spool;
}

std::unique_ptr<ByteSource> Spool::open() const {
  return std::make_unique<Reader>(blocks_);
}

std::unique_ptr<ByteSource> Spool::drain(Spool spool) {
  return std::make_unique<Drain>(std::move(spool));
}

}  // namespace davit::registry
