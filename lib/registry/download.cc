// Blobs out of a repository: a byte source that survives broken connections.
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/verified.h"
#include "registry/fields.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

/// Tries start anew after this much progress (R5).
constexpr std::uint64_t kProgress = 1u << 20;
/// Answers that do not fit what was asked for, before the blob is given up.
constexpr int kMostOddities = 3;
/// Answers that bring less than was asked for, and say so, before that counts as trouble.
constexpr int kMostPieces = 10'000;
/// Signed URLs that are refused one after the other.
constexpr int kMostRefusals = 2;

/// What a reader is after: the rest of the blob, which may also be read past what is not wanted, or a stretch
/// that has to be served as such.
enum class Extent { rest, stretch };

/// Reads a blob from `position` to `end`, over as many connections as it takes. A signed URL that an earlier
/// redirect gave is used until it is refused; then the registry is asked again (row 56).
class BlobReader final : public ByteSource {
 public:
  BlobReader(Repository& repository, const Descriptor& blob, ByteRange range, Extent extent,
             const CallContext& context)
      : repository_(repository),
        blob_(blob),
        why_(repository.purpose("pull", "blob " + blob.digest.short_form())),
        context_(context),
        tries_(repository.registry().wire().tries()),
        extent_(extent),
        end_(range.offset + range.length),
        position_(range.offset),
        checkpoint_(range.offset) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (true) {
      if (position_ >= end_) return std::size_t{0};  // what is beyond is not wanted
      if (!stream_) DAVIT_TRY_VOID(connect());
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - position_));
      auto count = stream_->read(into.first(wanted));
      if (count && *count > 0) {
        position_ += *count;
        if (position_ - checkpoint_ >= kProgress) {
          checkpoint_ = position_;
          tries_.restart();
        }
        if (position_ == end_) {
          tries_.succeeded();
          DAVIT_TRY_VOID(take_end());
        }
        return *count;
      }
      stream_.reset();
      const bool ended = count.has_value();
      // RFC 9110, 15.3.7: a server may answer with less than the whole range.
      if (ended && piece_end_ == position_ && ++pieces_ <= kMostPieces) continue;
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
      const bool ranged = position_ > 0 || extent_ == Extent::stretch;
      DAVIT_TRY(Answer answer, ask(ranged));
      if (answer.foreign && (answer.status == 400 || answer.status == 403) && ++refusals_ <= kMostRefusals)
        continue;  // an expired signature
      if (answer.status == 404 && repository_.was_written(blob_.digest)) {
        const Error error = answer_error(why_, answer);
        DAVIT_TRY(const bool again, tries_.again(Trouble::transient, {}, context_));
        if (again) continue;
        return error;
      }
      if (extent_ == Extent::stretch && (answer.status == 200 || answer.status == 416)) return no_ranges();
      if (answer.status == 416 && position_ > 0 && ++oddities_ <= kMostOddities) {
        DAVIT_TRY_VOID(from_the_start());
        continue;
      }
      if (answer.status == 416) return ends_before(answer);
      if (answer.status != 200 && answer.status != 206) return answer_error(why_, answer);
      if (answer.status == 200) {
        if (answer.headers.get("Content-Type").starts_with("text/html") && !answer.foreign) {
          return strange_answer(why_, answer, Errc::protocol, "not a registry's answer but a web page");
        }
        DAVIT_TRY_VOID(take_whole(answer));
        continue;
      }
      const auto range = parse_content_range(answer.headers.get("Content-Range"));
      if (!range || range->first != position_ || (range->total && *range->total != blob_.size)) {
        if (extent_ == Extent::stretch) return no_ranges();
        if (++oddities_ > kMostOddities)
          return strange_answer(why_, answer, Errc::protocol,
                                "an answer for another range than " + std::to_string(position_) + "-");
        DAVIT_TRY_VOID(from_the_start());
        continue;
      }
      stream_ = std::move(answer.stream);
      piece_end_ = range->last >= position_ ? std::optional(range->last + 1) : std::nullopt;
      refusals_ = 0;
    }
    return {};
  }

 private:
  /// One request, to where the blob is known to be or else to the registry.
  Result<Answer> ask(bool ranged) {
    DAVIT_TRY(BlobPlaces::Advice advice, repository_.places().advice(blob_.digest, context_));
    Call call{.request = {.method = "GET", .url = repository_.url("blobs/" + blob_.digest.to_string())},
              .scope = repository_.scope(),
              .action = Action::read_blob,
              .stream = true};
    if (advice.place) {
      call.request.url = advice.place->url;
      call.request.peers = advice.place->peers;
      call.authorize = false;
      call.action = Action::read_store;
    }
    if (ranged) {
      std::string wanted = "bytes=" + std::to_string(position_) + "-";
      if (extent_ == Extent::stretch) wanted += std::to_string(end_ - 1);
      call.request.headers.push_back({"Range", std::move(wanted)});
    }
    DAVIT_TRY(Answer answer, repository_.registry().wire().send(why_, call, context_));
    if (advice.place && !answer.ok()) repository_.places().refused(blob_.digest, advice.place->url);
    if (advice.question && answer.ok()) {
      std::optional<BlobPlace> place;
      if (answer.foreign) place = BlobPlace{answer.url, answer.peers};
      advice.question->answered(std::move(place));
    }
    return answer;
  }

  /// The whole blob, because ranges of it cannot be had.
  Result<> from_the_start() {
    DAVIT_TRY(Answer answer, ask(false));
    if (answer.status == 416) return ends_before(answer);
    if (answer.status != 200) return answer_error(why_, answer);
    return take_whole(answer);
  }

  /// An answer that is the whole blob. One that says it has another length than the descriptor is complete,
  /// and asking again would not change it.
  Result<> take_whole(Answer& answer) {
    const auto length = parse_decimal(answer.headers.get("Content-Length"));
    if (length && *length != blob_.size)
      return damaged(answer, "has " + std::to_string(*length) + " bytes where its descriptor says " +
                                 std::to_string(blob_.size));
    stream_ = std::move(answer.stream);
    piece_end_.reset();
    return skip();
  }

  /// A 416 to somebody who asked for what the descriptor promises.
  Error ends_before(const Answer& answer) const {
    return damaged(answer, "has no byte " + std::to_string(position_) + " where its descriptor says " +
                               std::to_string(blob_.size) + " bytes");
  }

  Error damaged(const Answer& answer, const std::string& what) const {
    Error error = strange_answer(why_, answer, Errc::corrupt, what);
    error.hint = io::kDamagedHint;
    return error;
  }

  Error no_ranges() const {
    return make_error(Errc::unsupported, why_.text + ": ranges of it are not served");
  }

  /// The connection can serve somebody else once the answer's end has been seen. A blob that goes on behind
  /// the end that its descriptor gives is damaged; a connection that breaks there has brought everything.
  Result<> take_end() {
    std::byte beyond{};
    const auto more = extent_ == Extent::rest || stream_->headers().has("Content-Length")
                          ? stream_->read(std::span(&beyond, 1))
                          : Result<std::size_t>(std::size_t{0});
    stream_.reset();
    if (extent_ == Extent::stretch || !more || *more == 0) return {};
    Error error = make_error(Errc::corrupt,
                             why_.text + ": goes on behind the " + std::to_string(blob_.size) +
                                 " bytes that its descriptor gives it",
                             io::kDamagedHint)
                      .on(why_.side);
    error.attempts = tries_.count();
    return error;
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
  const Extent extent_;
  const std::uint64_t end_;
  std::uint64_t position_;
  std::uint64_t checkpoint_;
  std::optional<std::uint64_t> piece_end_;  ///< where the present answer ends, where it says so
  int pieces_ = 0;
  int refusals_ = 0;
  int oddities_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> Repository::open(const Descriptor& blob, std::uint64_t offset,
                                                     const CallContext& context) {
  if (offset > blob.size) return make_error(Errc::internal, "a read beyond the end of a blob");
  auto reader =
      std::make_unique<BlobReader>(*this, blob, ByteRange{offset, blob.size - offset}, Extent::rest, context);
  if (offset < blob.size) DAVIT_TRY_VOID(reader->connect());
  return std::unique_ptr<ByteSource>(std::move(reader));
}

Result<std::unique_ptr<ByteSource>> Repository::open_range(const Descriptor& blob, ByteRange range,
                                                           const CallContext& context) {
  if (range.length == 0 || range.offset >= blob.size || range.length > blob.size - range.offset)
    return make_error(Errc::internal, "a range that is not in the blob");
  auto reader = std::make_unique<BlobReader>(*this, blob, range, Extent::stretch, context);
  DAVIT_TRY_VOID(reader->connect());
  return std::unique_ptr<ByteSource>(std::move(reader));
}

}  // namespace davit::registry
