#include "codec/decoder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"

namespace davit::codec {
namespace {

class CopyDecoder final : public Decoder {
 public:
  Result<Step> step(std::span<const std::byte> input, bool last, std::span<std::byte> output) override {
    const std::size_t count = std::min(input.size(), output.size());
    if (count != 0) std::memcpy(output.data(), input.data(), count);
    return Step{count, count, last && count == input.size()};
  }
};

uInt clamped(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }

  Result<Step> step(std::span<const std::byte> input, bool last, std::span<std::byte> output) override {
    if (place_ == Place::padding ||
        (place_ == Place::between && !input.empty() && input.front() == std::byte{0})) {
      place_ = Place::padding;
      const bool zeros = std::ranges::all_of(input, [](std::byte b) { return b == std::byte{0}; });
      if (!zeros) return make_error(Errc::corrupt, "gzip data with something else behind its end");
      return Step{input.size(), 0, last};
    }
    if (place_ == Place::between && input.empty()) return Step{0, 0, last};
    if (place_ == Place::between) inflateReset(&stream_);
    const bool first = place_ == Place::start;
    if (place_ != Place::start || !input.empty()) place_ = Place::inside;

    stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream_.avail_in = clamped(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = clamped(output.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    const Step step{clamped(input.size()) - stream_.avail_in, clamped(output.size()) - stream_.avail_out,
                    false};
    if (code == Z_STREAM_END) {
      place_ = Place::between;
      return Step{step.consumed, step.produced, last && step.consumed == input.size()};
    }
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK && code != Z_BUF_ERROR) {
      const char* why = stream_.msg != nullptr ? stream_.msg : "needs a dictionary";
      return make_error(Errc::corrupt, std::string("gzip data is damaged: ") + why);
    }
    if (last && step.consumed == input.size() && stream_.avail_out != 0) {
      return make_error(Errc::corrupt, first && input.empty() ? "no gzip data" : "gzip data ends too early");
    }
    return step;
  }

 private:
  enum class Place { start, inside, between, padding };
  z_stream stream_{};
  Place place_ = Place::start;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  Result<Step> step(std::span<const std::byte> input, bool last, std::span<std::byte> output) override {
    if (input.empty() && between_) {
      if (last && !started_) return make_error(Errc::corrupt, "no zstd data");
      return Step{0, 0, last};
    }
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t code = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_isError(code) != 0) return refused(code);
    started_ = true;
    between_ = code == 0;
    if (!between_ && last && in.pos == in.size && out.pos < out.size) {
      return make_error(Errc::corrupt, "zstd data ends too early");
    }
    return Step{in.pos, out.pos, between_ && last && in.pos == in.size};
  }

 private:
  Error refused(std::size_t code) const {
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
      return make_error(Errc::unsupported, "zstd data that needs more than 8 MiB of memory to read",
                        "compress it again without --long and --ultra");
    }
    if (started_ && between_)
      return make_error(Errc::corrupt, "zstd data with something else behind its end");
    return make_error(Errc::corrupt, std::string("zstd data is damaged: ") + ZSTD_getErrorName(code));
  }

  ZSTD_DCtx* context_;
  bool started_ = false;
  bool between_ = true;
};

}  // namespace

std::unique_ptr<Decoder> Decoder::create(model::Compression kind) {
  switch (kind) {
    case model::Compression::gzip:
      return std::make_unique<GzipDecoder>();
    case model::Compression::zstd:
      return std::make_unique<ZstdDecoder>();
    case model::Compression::none:
      break;
  }
  return std::make_unique<CopyDecoder>();
}

}  // namespace davit::codec
