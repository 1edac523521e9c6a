#include "io/verified.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "crypto/hasher.h"

namespace davit::io {
namespace {

class VerifiedSource final : public ByteSource {
 public:
  VerifiedSource(std::unique_ptr<ByteSource> inner, const Descriptor& wanted)
      : inner_(std::move(inner)),
        wanted_(wanted.digest),
        left_(wanted.size),
        size_(wanted.size),
        hasher_(wanted.digest.algorithm()) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (left_ == 0) {
      DAVIT_TRY_VOID(end());
      return std::size_t{0};
    }
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    auto read = inner_->read(into.first(room));
    if (!read) return read.error().on(Side::source);
    const std::size_t count = *read;
    if (count == 0)
      return wrong("ends after " + std::to_string(size_ - left_) + " of " + std::to_string(size_) + " bytes");
    hasher_.update(into.first(count));
    left_ -= count;
    if (left_ == 0) DAVIT_TRY_VOID(end());
    return count;
  }

  bool ready(const std::function<void()>& wake) override { return inner_->ready(wake); }

 private:
  Result<> end() {
    if (ended_) return {};
    std::byte extra;
    const auto more = inner_->read(std::span(&extra, 1));
    if (!more) return more.error().on(Side::source);
    if (*more != 0) return wrong("is longer than the " + std::to_string(size_) + " bytes it should have");
    const Digest actual = hasher_.digest();
    if (actual != wanted_) return wrong("has the digest " + actual.to_string());
    ended_ = true;
    return {};
  }

  Error wrong(const std::string& why) const { return damaged(wanted_, why); }

  std::unique_ptr<ByteSource> inner_;
  Digest wanted_;
  std::uint64_t left_;
  std::uint64_t size_;
  crypto::Hasher hasher_;
  bool ended_ = false;
};

/// Content that vouches for itself; only its errors are told apart from those of whoever reads it.
class VouchedSource final : public ByteSource {
 public:
  explicit VouchedSource(std::unique_ptr<ByteSource> inner) : inner_(std::move(inner)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    auto count = inner_->read(into);
    if (!count) return count.error().on(Side::source);
    return count;
  }

  bool ready(const std::function<void()>& wake) override { return inner_->ready(wake); }

 private:
  std::unique_ptr<ByteSource> inner_;
};

class VerifiedContent final : public Content {
 public:
  explicit VerifiedContent(std::shared_ptr<const Content> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    const auto wanted = inner_->descriptor();
    auto opened = inner_->open(0, context);
    if (!opened) return opened.error().on(Side::source);
    std::unique_ptr<ByteSource> source = *std::move(opened);
    if (wanted) {
      source = verified(std::move(source), *wanted);
    } else {
      source = std::make_unique<VouchedSource>(std::move(source));
    }
    std::vector<std::byte> front(static_cast<std::size_t>(std::min<std::uint64_t>(offset, 256 << 10)));
    while (offset > 0) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(offset, front.size()));
      DAVIT_TRY(const std::size_t count, source->read(std::span(front).first(step)));
      if (count == 0) return make_error(Errc::internal, "a read beyond the end of the content");
      offset -= count;
    }
    return source;
  }

  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return inner_->descriptor(); }

 private:
  std::shared_ptr<const Content> inner_;  // co-owned with whoever describes the same blob
};

}  // namespace

std::unique_ptr<ByteSource> verified(std::unique_ptr<ByteSource> inner, const Descriptor& wanted) {
  return std::make_unique<VerifiedSource>(std::move(inner), wanted);
}

std::shared_ptr<const Content> verified(std::shared_ptr<const Content> inner) {
  return std::make_shared<VerifiedContent>(std::move(inner));
}

Error damaged(const Digest& wanted, const std::string& why) {
  return make_error(Errc::corrupt, "read " + wanted.to_string() + ": what came " + why, kDamagedHint)
      .on(Side::source);
}

}  // namespace davit::io
