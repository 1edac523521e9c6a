// Blobs out of a repository: a byte source that survives broken connections.
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "registry/fields.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

/// Tries start anew after this much progress (R5).
constexpr std::uint64_t kProgress = 1u << 20;
/// Answers that do not fit what was asked for, before the blob is given up.
constexpr int kMostOddities = 3;

/// Reads a blob from `position` on, over as many connections as it takes. Each one begins at the registry: a
/// signed URL of an earlier redirect may have expired (row 56).
class BlobReader final : public ByteSource {
 public:
  BlobReader(Repository& repository, const Descriptor& blob, std::uint64_t offset, const CallContext& context)
      : repository_(repository),
        blob_(blob),
        why_(repository.purpose("pull", "blob " + blob.digest.short_form())),
        context_(context),
        tries_(repository.registry().wire().tries()),
        position_(offset),
        checkpoint_(offset) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (true) {
      if (position_ >= blob_.size) return std::size_t{0};  // what is beyond is not part of the blob
      if (!stream_) DAVIT_TRY_VOID(connect());
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), blob_.size - position_));
      auto count = stream_->read(into.first(wanted));
      if (count && *count > 0) {
        position_ += *count;
        if (position_ - checkpoint_ >= kProgress) {
          checkpoint_ = position_;
          tries_.restart();
        }
        if (position_ == blob_.size) tries_.succeeded();
        return *count;
      }
      stream_.reset();
      const bool ended = count.has_value();
      Error broken =
          ended ? make_error(Errc::unavailable, "the answer ended after " + std::to_string(position_) +
                                                    " of " + std::to_string(blob_.size) + " bytes")
                : std::move(count).error();
      broken.retryable = broken.retryable || ended;
      DAVIT_TRY_VOID(rest(broken));
    }
  }

  /// The first connection, so that a missing blob is an error of opening.
  Result<> connect() {
    while (!stream_) {
      Call call{.request = {.method = "GET", .url = repository_.url("blobs/" + blob_.digest.to_string())},
                .scope = repository_.scope(),
                .stream = true};
      if (position_ > 0)
        call.request.headers.push_back({"Range", "bytes=" + std::to_string(position_) + "-"});
      DAVIT_TRY(Answer answer, repository_.registry().wire().send(why_, call, context_));
      if (answer.foreign && (answer.status == 400 || answer.status == 403) && ++refusals_ <= 2)
        continue;  // an expired signature
      if (answer.status == 404 && repository_.was_written(blob_.digest)) {
        const Error error = answer_error(why_, answer);
        DAVIT_TRY(const bool again, tries_.again(Trouble::transient, {}, context_));
        if (again) continue;
        return error;
      }
      if (answer.status == 416 && position_ > 0 && ++oddities_ <= kMostOddities) {
        DAVIT_TRY_VOID(from_the_start(call));
        continue;
      }
      if (answer.status != 200 && answer.status != 206) return answer_error(why_, answer);
      if (answer.status == 200) {
        if (answer.headers.get("Content-Type").starts_with("text/html") && !answer.foreign) {
          return strange_answer(why_, answer, Errc::protocol, "not a registry's answer but a web page");
        }
        stream_ = std::move(answer.stream);
        DAVIT_TRY_VOID(skip());
        continue;
      }
      const auto range = parse_content_range(answer.headers.get("Content-Range"));
      if (!range || range->first != position_ || (range->total && *range->total != blob_.size)) {
        if (++oddities_ > kMostOddities)
          return strange_answer(why_, answer, Errc::protocol,
                                "an answer for another range than " + std::to_string(position_) + "-");
        DAVIT_TRY_VOID(from_the_start(call));
        continue;
      }
      stream_ = std::move(answer.stream);
    }
    return {};
  }

 private:
  /// The whole blob, because ranges of it cannot be had.
  Result<> from_the_start(Call& call) {
    call.request.headers.clear();
    DAVIT_TRY(Answer answer, repository_.registry().wire().send(why_, call, context_));
    if (answer.status != 200) return answer_error(why_, answer);
    stream_ = std::move(answer.stream);
    return skip();
  }

  /// The stream begins at zero: read up to where we are. A break on the way is retried like any other.
  Result<> skip() {
    std::vector<std::byte> waste(static_cast<std::size_t>(std::min<std::uint64_t>(position_, 256u << 10)));
    for (std::uint64_t left = position_; left > 0;) {
      auto count = stream_->read(
          std::span(waste).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, waste.size()))));
      if (!count || *count == 0) {
        stream_.reset();
        const bool ended = count.has_value();
        Error broken =
            ended ? make_error(Errc::unavailable, "the answer ended early") : std::move(count).error();
        broken.retryable = broken.retryable || ended;
        return rest(broken);
      }
      left -= *count;
    }
    return {};
  }

  /// Waits before the next connection, or gives `broken` back.
  Result<> rest(const Error& broken) {
    const int attempts = tries_.count();
    if (!broken.retryable) return failed(why_, broken, attempts);
    auto again = tries_.again(Trouble::transient, {}, context_);
    if (!again) return failed(why_, again.error(), attempts);
    if (!*again) return failed(why_, broken, attempts);
    return {};
  }

  Repository& repository_;
  const Descriptor blob_;
  const Purpose why_;
  const CallContext context_;
  Tries tries_;
  std::unique_ptr<net::Download> stream_;
  std::uint64_t position_;
  std::uint64_t checkpoint_;
  int refusals_ = 0;
  int oddities_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> Repository::open(const Descriptor& blob, std::uint64_t offset,
                                                     const CallContext& context) {
  auto reader = std::make_unique<BlobReader>(*this, blob, offset, context);
  if (offset < blob.size) DAVIT_TRY_VOID(reader->connect());
  return std::unique_ptr<ByteSource>(std::move(reader));
}

}  // namespace davit::registry
