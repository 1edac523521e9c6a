#include "codec/block_encoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>

#include <libdeflate.h>
#include <zstd.h>

#include "base/error.h"

namespace davit::codec {
namespace {

/// Whether the bytes are spread so evenly that deflate would find nothing: the sum of squared counts of a
/// sample is what even noise gives, within 1/64. Integers only, so every processor decides alike.
bool looks_random(std::span<const std::byte> plain) {
  constexpr std::size_t kSampled = 64u << 10;
  if (plain.size() < kSampled) return false;
  const std::size_t stride = plain.size() / kSampled;
  std::array<std::uint32_t, 256> counts{};
  for (std::size_t i = 0; i < kSampled; ++i) ++counts[std::to_integer<std::uint8_t>(plain[i * stride])];
  std::uint64_t squares = 0;
  for (const std::uint32_t count : counts) squares += std::uint64_t{count} * count;
  constexpr std::uint64_t kEven = std::uint64_t{kSampled} * kSampled / 256 + kSampled;
  return squares <= kEven + kEven / 64;
}

class Writer {
 public:
  explicit Writer(std::span<std::byte> out) : out_(out) {}
  void bytes(std::span<const std::byte> from) {
    if (!from.empty()) std::memcpy(out_.data() + size_, from.data(), from.size());
    size_ += from.size();
  }
  void little_endian(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) out_[size_++] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  }
  void skip(std::size_t count) { size_ += count; }
  [[nodiscard]] std::span<std::byte> rest() const { return out_.subspan(size_); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::span<std::byte> out_;
  std::size_t size_ = 0;
};

/// A deflate stream of stored blocks (RFC 1951, section 3.2.4).
void store(std::span<const std::byte> plain, Writer& out) {
  constexpr std::size_t kStoredMax = 65535;
  do {
    const auto piece = plain.first(std::min(plain.size(), kStoredMax));
    plain = plain.subspan(piece.size());
    const auto size = static_cast<std::uint32_t>(piece.size());
    out.little_endian(plain.empty() ? 1 : 0, 1);
    out.little_endian(size, 2);
    out.little_endian(~size & 0xffff, 2);
    out.bytes(piece);
  } while (!plain.empty());
}

class GzipEncoder final : public BlockEncoder {
 public:
  explicit GzipEncoder(int level) : compressor_(libdeflate_alloc_compressor(level)) {
    if (compressor_ == nullptr) throw std::bad_alloc();
  }
  ~GzipEncoder() override { libdeflate_free_compressor(compressor_); }

  std::size_t encode(std::span<const std::byte> plain, std::span<std::byte> out) override {
    // RFC 1952: deflate, no flags, no time, no extra flags, unknown system.
    static constexpr std::array<std::uint8_t, 10> kHeader{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    Writer writer(out);
    writer.bytes(std::as_bytes(std::span(kHeader)));
    std::size_t deflated = 0;
    if (!looks_random(plain)) {
      // All the room is offered and the size compared afterwards: how a compressor notices that it runs out
      // of room depends on the width of its machine words.
      deflated = libdeflate_deflate_compress(compressor_, plain.data(), plain.size(), writer.rest().data(),
                                             writer.rest().size());
    }
    if (deflated == 0 || deflated > plain.size() - plain.size() / 32) {
      store(plain, writer);
    } else {
      writer.skip(deflated);
    }
    writer.little_endian(libdeflate_crc32(0, plain.data(), plain.size()), 4);
    writer.little_endian(static_cast<std::uint32_t>(plain.size()), 4);
    return writer.size();
  }

 private:
  libdeflate_compressor* compressor_;
};

class ZstdEncoder final : public BlockEncoder {
 public:
  explicit ZstdEncoder(int level) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 20);  // a block is no larger
    if (level >=
        8) {  // the tables of high levels are made for larger inputs and would not fit the memory budget
      ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, 18);
      ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, 19);
    }
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  std::size_t encode(std::span<const std::byte> plain, std::span<std::byte> out) override {
    const std::size_t size = ZSTD_compress2(context_, out.data(), out.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) != 0) throw std::bad_alloc();  // with this much room, nothing else can go wrong
    return size;
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

Result<> validate(const CompressSpec& spec) {
  if (spec.kind == model::Compression::none)
    return make_error(Errc::invalid_argument, "compression none has no levels");
  const int highest = spec.kind == model::Compression::gzip ? 12 : 19;
  if (spec.level && (*spec.level < 1 || *spec.level > highest)) {
    return make_error(Errc::invalid_argument, std::string(to_string(spec.kind)) + " level " +
                                                  std::to_string(*spec.level) + " (there are 1 to " +
                                                  std::to_string(highest) + ")");
  }
  return {};
}

std::unique_ptr<BlockEncoder> BlockEncoder::create(const CompressSpec& spec) {
  // gzip 2 is the fastest level that stays within a few per cent of the usual gzip's size
  // (docs/benchmarks.md).
  if (spec.kind == model::Compression::zstd) return std::make_unique<ZstdEncoder>(spec.level.value_or(1));
  return std::make_unique<GzipEncoder>(spec.level.value_or(2));
}

}  // namespace davit::codec
