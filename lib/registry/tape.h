#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <davit/content.h>

#include "base/try.h"

namespace davit::registry {

/// A content being read from front to back over several requests; wound to another place only when it has to
/// be. Remembers whether it was the content that failed. One thread at a time.
class Tape {
 public:
  Tape(const Content& content, CallContext context) : content_(content), context_(std::move(context)) {}

  /// Goes on with bytes somebody has begun to read. REQUIRES: they are at the content's first byte.
  void load(std::unique_ptr<ByteSource> source) {
    source_ = std::move(source);
    position_ = 0;
    ahead_.reset();
  }

  Result<> seek(std::uint64_t position) {
    if (source_ && position_ == position) return {};
    ahead_.reset();
    auto opened = content_.open(position, context_);
    if (!opened) return fail(std::move(opened).error());
    source_ = *std::move(opened);
    position_ = position;
    return {};
  }

  /// Whether no byte is left. May read one ahead. REQUIRES: seek() has succeeded.
  Result<bool> ended() {
    if (ahead_) return false;
    std::byte next{};
    auto count = source_->read({&next, 1});
    if (!count) return fail(std::move(count).error());
    if (*count == 1) ahead_ = next;
    return *count == 0;
  }

  Result<std::size_t> read(std::span<std::byte> into) {
    if (ahead_) {
      into.front() = *ahead_;
      ahead_.reset();
      ++position_;
      return std::size_t{1};
    }
    auto count = source_->read(into);
    if (!count) return fail(std::move(count).error());
    position_ += *count;
    return count;
  }

  bool ready(const std::function<void()>& wake) { return ahead_ || source_->ready(wake); }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

  /// The next bytes, `limit` of them at most. REQUIRES: the tape outlives it and is used by nobody else
  /// meanwhile.
  std::unique_ptr<ByteSource> window(std::uint64_t limit) { return std::make_unique<Window>(*this, limit); }

 private:
  class Window final : public ByteSource {
   public:
    Window(Tape& tape, std::uint64_t limit) : tape_(tape), left_(limit) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (left_ == 0) return std::size_t{0};
      DAVIT_TRY(
          const std::size_t count,
          tape_.read(into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_)))));
      left_ -= count;
      return count;
    }
    bool ready(const std::function<void()>& wake) override { return left_ == 0 || tape_.ready(wake); }

   private:
    Tape& tape_;
    std::uint64_t left_;
  };

  Error fail(Error error) {
    failure_ = error;
    source_.reset();
    return error;
  }

  const Content& content_;
  const CallContext context_;
  std::unique_ptr<ByteSource> source_;
  std::uint64_t position_ = 0;
  std::optional<std::byte> ahead_;
  std::optional<Error> failure_;
};

}  // namespace davit::registry
