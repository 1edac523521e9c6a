#include "codec/compress.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/known_later.h"
#include "codec/workshop.h"
#include "crypto/hasher.h"
#include "io/read_all.h"

namespace davit::codec {

namespace {

/// The job of a pool thread. The block's buffer becomes the bench's next scratch space, so nothing is copied.
void compress_block(BenchPool& benches, const CompressSpec& spec, Line& line, Block& block) {
  if (line.abandoned()) return;
  try {
    Bench bench = benches.borrow(spec);
    const std::size_t size = bench.encoder->encode(std::span(block.buffer.get(), block.size),
                                                   std::span(bench.scratch.get(), kEncodedMax));
    std::swap(block.buffer, bench.scratch);
    benches.give_back(std::move(bench));
    line.finish(block, size, false);
  } catch (const std::bad_alloc&) {
    line.finish(block, 0, true);
  }
}

class CompressingSource final : public ByteSource {
 public:
  CompressingSource(std::shared_ptr<Workshop> workshop, std::unique_ptr<ByteSource> plain,
                    const CompressSpec& spec, std::optional<Digest> diff_id,
                    std::shared_ptr<KnownLater> known, std::uint64_t skip, CallContext context)
      : workshop_(std::move(workshop)),
        plain_(std::move(plain)),
        spec_(spec),
        diff_id_(std::move(diff_id)),
        known_(std::move(known)),
        skip_(skip),
        context_(std::move(context)),
        plain_hash_(diff_id_ ? diff_id_->algorithm() : Digest::Algorithm::sha256) {}

  ~CompressingSource() override { line_->abandon(); }

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (error_) return *error_;
    auto count = next(into);
    if (!count) error_ = count.error();
    return count;
  }

  bool ready(const std::function<void()>& wake) override {
    if (error_ || current_) return true;
    if (auto filled = fill(); !filled) {
      error_ = std::move(filled).error();
      return true;
    }
    return line_->front_done(wake);
  }

 private:
  Result<std::size_t> next(std::span<std::byte> into) {
    while (!current_) {
      DAVIT_TRY_VOID(check(context_));
      DAVIT_TRY_VOID(fill());
      if (line_->size() == 0) return std::size_t{0};
      DAVIT_TRY(current_, line_->take_front(context_));
      if (current_->failed) return make_error(Errc::internal, "out of memory while compressing");
      hash_.update(std::span(current_->buffer.get(), current_->size));
      size_ += current_->size;
      if (ended_ && line_->size() == 0) known_->set({.digest = hash_.digest(), .size = size_});
      position_ = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, current_->size));
      skip_ -= position_;
      if (position_ == current_->size) current_.reset();
    }
    const std::size_t count = std::min(into.size(), current_->size - position_);
    std::memcpy(into.data(), current_->buffer.get() + position_, count);
    position_ += count;
    if (position_ == current_->size) current_.reset();
    return count;
  }

  /// Reads ahead and hands out work until the line is long enough, memory is short or the end is there.
  Result<> fill() {
    const std::size_t longest = 2 * workshop_->pool.size() + 2;
    while (!ended_) {
      const std::size_t length = line_->size();
      if (length >= longest) return {};
      std::optional<Buffer> buffer =
          length == 0 ? workshop_->buffers->take() : workshop_->buffers->try_take();
      if (!buffer) return {};
      auto block = std::make_shared<Block>(workshop_->buffers, *std::move(buffer));
      DAVIT_TRY_VOID(check(context_));
      DAVIT_TRY_VOID(read_block(*block));
      line_->append(block);
      workshop_->pool.submit([&benches = workshop_->benches, spec = spec_, line = line_, block] {
        compress_block(benches, spec, *line, *block);
      });
    }
    return {};
  }

  /// One byte is always read ahead: that the plain bytes end here, and what their digest is, has to be known
  /// before the last block goes out.
  Result<> read_block(Block& block) {
    const std::span<std::byte> room(block.buffer.get(), kBlockSize);
    if (ahead_) room[0] = *ahead_;
    const std::size_t have = ahead_ ? 1 : 0;
    ahead_.reset();
    DAVIT_TRY(const std::size_t count, io::read_full(*plain_, room.subspan(have)));
    block.size = have + count;
    plain_hash_.update(room.first(block.size));
    if (block.size == room.size()) {
      std::byte one{};
      DAVIT_TRY(const std::size_t more, plain_->read(std::span(&one, 1)));
      if (more != 0) ahead_ = one;
    }
    if (ahead_) return {};
    ended_ = true;
    if (!diff_id_) return {};
    const Digest found = plain_hash_.digest();
    if (found == *diff_id_) return {};
    return make_error(Errc::corrupt, "a layer whose content is " + found.short_form() +
                                         " where the image configuration says " + diff_id_->short_form());
  }

  std::shared_ptr<Workshop> workshop_;  // co-owned with the content
  std::unique_ptr<ByteSource> plain_;
  CompressSpec spec_;
  std::optional<Digest> diff_id_;
  std::shared_ptr<KnownLater> known_;  // co-owned with the content
  std::uint64_t skip_;
  CallContext context_;
  crypto::Hasher plain_hash_;
  crypto::Hasher hash_;
  std::uint64_t size_ = 0;
  std::shared_ptr<Line> line_ = std::make_shared<Line>();  // co-owned with the jobs
  std::shared_ptr<Block> current_;
  std::size_t position_ = 0;
  std::optional<std::byte> ahead_;
  std::optional<Error> error_;
  bool ended_ = false;
};

class CompressedContent final : public Content {
 public:
  CompressedContent(std::shared_ptr<Workshop> workshop, std::shared_ptr<const Content> plain,
                    const CompressSpec& spec, std::optional<Digest> diff_id)
      : workshop_(std::move(workshop)), plain_(std::move(plain)), spec_(spec), diff_id_(std::move(diff_id)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto plain, plain_->open(0, context));
    return std::unique_ptr<ByteSource>(std::make_unique<CompressingSource>(
        workshop_, std::move(plain), spec_, diff_id_, known_, offset, context));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return known_->get(); }

 private:
  std::shared_ptr<Workshop> workshop_;    // co-owned with the compressor and its other contents
  std::shared_ptr<const Content> plain_;  // co-owned by the image it belongs to
  CompressSpec spec_;
  std::optional<Digest> diff_id_;
  std::shared_ptr<KnownLater> known_ = std::make_shared<KnownLater>();  // co-owned by the sources
};

}  // namespace

Compressor::Compressor(const CompressorOptions& options) {
  // A thread needs its scratch block, the one it works on and one that waits for it.
  const auto blocks = static_cast<std::size_t>(std::max<std::uint64_t>(options.memory / kBlockSize, 3));
  const std::size_t wanted =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::min(wanted, blocks / 3);
  workshop_ = std::make_shared<Workshop>(threads, blocks - threads);
}

Compressor::~Compressor() = default;

std::size_t Compressor::threads() const {
  return workshop_->pool.size();
}

std::shared_ptr<const Content> Compressor::compressed(std::shared_ptr<const Content> plain,
                                                      const CompressSpec& spec,
                                                      const std::optional<Digest>& diff_id) {
  return std::make_shared<CompressedContent>(workshop_, std::move(plain), spec, diff_id);
}

}  // namespace davit::codec
