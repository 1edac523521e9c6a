#include "codec/decompress.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "codec/decoder.h"
#include "codec/known_later.h"
#include "crypto/hasher.h"
#include "io/read_all.h"

namespace davit::codec {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

Error over_limit(const ExpansionLimit& limit) {
  return make_error(Errc::corrupt,
                    "compressed data that expands to more than " + std::to_string(limit.bytes) + " bytes");
}

class DecompressingSource final : public ByteSource {
 public:
  DecompressingSource(model::Compression kind, std::unique_ptr<ByteSource> inner, ExpansionLimit limit)
      : inner_(std::move(inner)), decoder_(Decoder::create(kind)), limit_(limit), buffer_(kBuffer) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (!done_) {
      if (pending_.empty() && !ended_) {
        DAVIT_TRY(const std::size_t count, inner_->read(buffer_));
        pending_ = std::span(buffer_).first(count);
        ended_ = count == 0;
      }
      DAVIT_TRY(const Decoder::Step step, decoder_->step(pending_, ended_, into));
      pending_ = pending_.subspan(step.consumed);
      done_ = step.done;
      produced_ += step.produced;
      if (produced_ > limit_.bytes) return over_limit(limit_);
      if (step.produced != 0) return step.produced;
    }
    return std::size_t{0};
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  std::unique_ptr<Decoder> decoder_;
  ExpansionLimit limit_;
  std::vector<std::byte> buffer_;
  std::span<std::byte> pending_;
  std::uint64_t produced_ = 0;
  bool ended_ = false;
  bool done_ = false;
};

Result<> drop(ByteSource& source, std::uint64_t count) {
  std::vector<std::byte> buffer(kBuffer);
  while (count != 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, buffer.size()));
    DAVIT_TRY(const std::size_t got, source.read(std::span(buffer).first(wanted)));
    if (got == 0) return make_error(Errc::internal, "a read beyond the end of a layer");
    count -= got;
  }
  return {};
}

class DecompressedContent final : public Content {
 public:
  DecompressedContent(model::Compression kind, std::shared_ptr<const Content> inner, ExpansionLimit limit)
      : kind_(kind), inner_(std::move(inner)), limit_(limit) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto inner, inner_->open(0, context));
    auto source = decompressing(kind_, std::move(inner), limit_);
    DAVIT_TRY_VOID(drop(*source, offset));
    return source;
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return std::nullopt; }

 private:
  model::Compression kind_;
  std::shared_ptr<const Content> inner_;  // co-owned by the image it belongs to
  ExpansionLimit limit_;
};

Error wrong_content(const Digest& found, const Digest& diff_id) {
  return make_error(Errc::corrupt, "a layer whose content is " + found.short_form() +
                                       " where the image configuration says " + diff_id.short_form());
}

/// What stored_layer() knows, shared by the content and the sources that read it.
struct StoredLayer {
  std::shared_ptr<const Content> stored;  // co-owned by the image it belongs to
  std::uint64_t size;
  model::Compression kind;
  Digest diff_id;
  ExpansionLimit limit;
  KnownLater known;
};

class StoredLayerSource final : public ByteSource {
 public:
  StoredLayerSource(std::shared_ptr<StoredLayer> layer, std::unique_ptr<ByteSource> inner)
      : layer_(std::move(layer)),
        inner_(std::move(inner)),
        decoder_(Decoder::create(layer_->kind)),
        plain_hash_(layer_->diff_id.algorithm()),
        scratch_(kBuffer) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (position_ == layer_->size && finished_) return std::size_t{0};
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), layer_->size - position_));
    std::size_t count = 0;
    if (wanted != 0) {
      DAVIT_TRY(count, inner_->read(into.first(wanted)));
      if (count == 0) return make_error(Errc::corrupt, "a layer shorter than its archive says");
    }
    position_ += count;
    const bool last = position_ == layer_->size;
    stored_hash_.update(into.first(count));
    DAVIT_TRY_VOID(expand(into.first(count), last));
    if (last) {
      DAVIT_TRY_VOID(finish());
    }
    return count;
  }

 private:
  Result<> expand(std::span<const std::byte> input, bool last) {
    for (;;) {
      DAVIT_TRY(const Decoder::Step step, decoder_->step(input, last, scratch_));
      input = input.subspan(step.consumed);
      plain_hash_.update(std::span(scratch_).first(step.produced));
      plain_size_ += step.produced;
      if (plain_size_ > layer_->limit.bytes) return over_limit(layer_->limit);
      const bool more = step.produced == scratch_.size() || !input.empty() || (last && !step.done);
      if (!more) return {};
    }
  }

  Result<> finish() {
    finished_ = true;
    const Digest found = plain_hash_.digest();
    if (found != layer_->diff_id) return wrong_content(found, layer_->diff_id);
    layer_->known.set({.digest = stored_hash_.digest(), .size = layer_->size});
    return {};
  }

  std::shared_ptr<StoredLayer> layer_;  // co-owned with the content
  std::unique_ptr<ByteSource> inner_;
  std::unique_ptr<Decoder> decoder_;
  crypto::Hasher stored_hash_;
  crypto::Hasher plain_hash_;
  std::vector<std::byte> scratch_;
  std::uint64_t position_ = 0;
  std::uint64_t plain_size_ = 0;
  bool finished_ = false;
};

class StoredLayerContent final : public Content {
 public:
  explicit StoredLayerContent(std::shared_ptr<StoredLayer> layer) : layer_(std::move(layer)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto inner, layer_->stored->open(0, context));
    std::unique_ptr<ByteSource> source = std::make_unique<StoredLayerSource>(layer_, std::move(inner));
    DAVIT_TRY_VOID(drop(*source, offset));
    return source;
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return layer_->known.get(); }

 private:
  std::shared_ptr<StoredLayer> layer_;  // co-owned with the sources
};

/// What plain_layer() knows, shared by the content and the sources that read it.
struct PlainLayer {
  std::shared_ptr<const Content> plain;  // co-owned by the image it belongs to
  Digest diff_id;
  KnownLater known;
};

/// Reads one block ahead: that the bytes end, and what they are, has to be known before the last ones go out.
class PlainLayerSource final : public ByteSource {
 public:
  PlainLayerSource(std::shared_ptr<PlainLayer> layer, std::unique_ptr<ByteSource> inner)
      : layer_(std::move(layer)), inner_(std::move(inner)), hash_(layer_->diff_id.algorithm()) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (error_) return *error_;
    if (current_.empty() && !ended_) {
      if (auto advanced = advance(); !advanced) {
        error_ = advanced.error();
        return *error_;
      }
    }
    const std::size_t count = std::min(into.size(), current_.size());
    std::ranges::copy(current_.first(count), into.begin());
    current_ = current_.subspan(count);
    return count;
  }

 private:
  Result<> advance() {
    if (size_ == 0) DAVIT_TRY_VOID(read_ahead());
    std::swap(block_, next_);
    current_ = std::span(block_).first(ahead_);
    ahead_ = 0;
    if (current_.size() == kBuffer) DAVIT_TRY_VOID(read_ahead());
    if (ahead_ != 0) return {};
    ended_ = true;
    const Digest found = hash_.digest();
    if (found != layer_->diff_id) return wrong_content(found, layer_->diff_id);
    layer_->known.set({.digest = found, .size = size_});
    return {};
  }

  Result<> read_ahead() {
    DAVIT_TRY(ahead_, io::read_full(*inner_, next_));
    hash_.update(std::span(next_).first(ahead_));
    size_ += ahead_;
    return {};
  }

  std::shared_ptr<PlainLayer> layer_;  // co-owned with the content
  std::unique_ptr<ByteSource> inner_;
  crypto::Hasher hash_;
  std::vector<std::byte> block_ = std::vector<std::byte>(kBuffer);
  std::vector<std::byte> next_ = std::vector<std::byte>(kBuffer);
  std::span<const std::byte> current_;  ///< of `block_`, what has not been given out
  std::size_t ahead_ = 0;               ///< of `next_`
  std::uint64_t size_ = 0;
  std::optional<Error> error_;
  bool ended_ = false;
};

class PlainLayerContent final : public Content {
 public:
  explicit PlainLayerContent(std::shared_ptr<PlainLayer> layer) : layer_(std::move(layer)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto inner, layer_->plain->open(0, context));
    std::unique_ptr<ByteSource> source = std::make_unique<PlainLayerSource>(layer_, std::move(inner));
    DAVIT_TRY_VOID(drop(*source, offset));
    return source;
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return layer_->known.get(); }

 private:
  std::shared_ptr<PlainLayer> layer_;  // co-owned with the sources
};

}  // namespace

std::unique_ptr<ByteSource> decompressing(model::Compression kind, std::unique_ptr<ByteSource> compressed,
                                          ExpansionLimit limit) {
  return std::make_unique<DecompressingSource>(kind, std::move(compressed), limit);
}

std::shared_ptr<const Content> decompressed(model::Compression kind,
                                            std::shared_ptr<const Content> compressed, ExpansionLimit limit) {
  return std::make_shared<DecompressedContent>(kind, std::move(compressed), limit);
}

std::shared_ptr<const Content> stored_layer(std::shared_ptr<const Content> stored, std::uint64_t size,
                                            model::Compression kind, const Digest& diff_id,
                                            ExpansionLimit limit) {
  auto layer = std::make_shared<StoredLayer>();
  layer->stored = std::move(stored);
  layer->size = size;
  layer->kind = kind;
  layer->diff_id = diff_id;
  layer->limit = limit;
  return std::make_shared<StoredLayerContent>(std::move(layer));
}

std::shared_ptr<const Content> plain_layer(std::shared_ptr<const Content> plain, const Digest& diff_id) {
  auto layer = std::make_shared<PlainLayer>();
  layer->plain = std::move(plain);
  layer->diff_id = diff_id;
  return std::make_shared<PlainLayerContent>(std::move(layer));
}

}  // namespace davit::codec
