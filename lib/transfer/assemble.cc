#include "transfer/assemble.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/mutex.h"
#include "base/try.h"
#include "crypto/hasher.h"
#include "io/verified.h"

namespace davit::transfer {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kBlock = 256u << 10;
/// Of a stretch that is not complete at least so much is missing. A smaller gap could lie within one block of
/// the file system, where a run that goes on with the file would not see the hole.
constexpr std::size_t kGap = 64u << 10;
/// With less than this to go at the present rate, another connection would come too late.
constexpr double kSoon = 0.3;
/// How many times as many connections are tried next.
constexpr std::size_t kGrowth = 4;
constexpr std::chrono::milliseconds kTick{25};
/// How long a connection should take for a piece: the bytes are hashed in their order, so that hashing waits
/// for the slowest of those in flight; and each piece begins with a round trip.
constexpr std::chrono::duration<double> kTurn{0.25};

Error wrong_digest(const Descriptor& blob, const Digest& actual) {
  return io::damaged(blob.digest, "has the digest " + actual.to_string());
}

Error too_short(const Descriptor& blob, std::uint64_t size) {
  return io::damaged(blob.digest,
                     "ends after " + std::to_string(size) + " of " + std::to_string(blob.size) + " bytes");
}

Result<> write(BlobDraft& draft, std::uint64_t offset, std::span<const std::byte> bytes) {
  auto written = draft.write_at(offset, bytes);
  if (!written) return written.error().on(Side::destination);
  return {};
}

/// One after the other in one thread.
Result<Digest> fill_alone(const BlobSupply& supply, BlobDraft& draft, std::uint64_t kept,
                          BlobProgress& progress, const CallContext& context) {
  const std::uint64_t size = supply.blob.size;
  crypto::Hasher hasher(supply.blob.digest.algorithm());
  std::vector<std::byte> block(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, size)));
  std::uint64_t at = 0;
  while (at < kept) {
    const auto part =
        std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), kept - at)));
    DAVIT_TRY_VOID(check(context));
    if (auto read = draft.read_at(at, part); !read) return read.error().on(Side::destination);
    hasher.update(part);
    at += part.size();
  }
  progress.reached(at);
  std::unique_ptr<ByteSource> source;
  while (at < size) {
    if (!source) {
      auto opened = supply.content.open(at, context);
      if (!opened) return opened.error().on(Side::source);
      source = *std::move(opened);
    }
    const auto part =
        std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - at)));
    std::size_t filled = 0;
    while (filled < part.size()) {  // few large writes instead of many small ones
      auto count = source->read(part.subspan(filled));
      if (!count) return count.error().on(Side::source);
      if (*count == 0) return too_short(supply.blob, at + filled);
      filled += *count;
    }
    DAVIT_TRY_VOID(write(draft, at, part));
    hasher.update(part);
    at += part.size();
    progress.reached(at);
  }
  return hasher.digest();
}

/// Several connections that fill a draft, and the thread that hashes what they bring.
class Assembly {
 public:
  Assembly(const BlobSupply& supply, BlobDraft& draft, Slots& slots, BlobProgress& progress,
           const AssembleOptions& options, const CallContext& context)
      : supply_(supply),
        size_(supply.blob.size),
        draft_(draft),
        slots_(slots),
        progress_(progress),
        options_(options),
        context_(context),
        inner_{.stop = stop_.get_token(), .deadline = context.deadline},
        outer_stop_(context.stop, [this] { stop_.request_stop(); }),
        ranges_(supply.ranges) {}

  ~Assembly() {
    stop_.request_stop();
    for (std::thread& receiver : receivers_) receiver.join();
  }

  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  Result<Digest> fill(std::uint64_t kept) {
    {
      MutexLock lock(mutex_);
      pieces_[0] = {.end = kept, .done = kept};
      if (kept < size_) todo_.push_back({kept, size_});
      received_ = kept;
    }
    progress_.reached(kept);
    if (kept < size_ && !add_receiver()) return fill_alone(supply_, draft_, kept, progress_, inner_);
    return hash();
  }

 private:
  struct Interval {
    std::uint64_t begin;
    std::uint64_t end;
  };
  /// A stretch that a receiver has taken on.
  struct Piece {
    std::uint64_t end = 0;
    std::uint64_t done = 0;
    bool open_ended = false;  ///< its stream goes on to the blob's end
  };

  /// Follows the contiguous front.
  Result<Digest> hash() {
    crypto::Hasher hasher(supply_.blob.digest.algorithm());
    std::vector<std::byte> block(kBlock);
    std::uint64_t hashed = 0;
    while (hashed < size_) {
      DAVIT_TRY(const std::uint64_t front, wait_for(hashed));
      while (hashed < front) {
        DAVIT_TRY_VOID(check(inner_));  // also when a receiver has failed
        const auto part = std::span(block).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), front - hashed)));
        if (auto read = draft_.read_at(hashed, part); !read) return read.error().on(Side::destination);
        hasher.update(part);
        hashed += part.size();
        tell(hashed);
      }
    }
    return hasher.digest();
  }

  /// Whether what comes next can wait: hashing sets the pace, and its processor is better left to it.
  bool far_ahead() const DAVIT_REQUIRES(mutex_) {
    return !failure_ && wanted_ > 1 && !todo_.empty() &&
           todo_.front().begin > hashed_ + options_.most_unhashed;
  }

  void tell(std::uint64_t hashed) {
    MutexLock lock(mutex_);
    const bool far = hashed / options_.least_part != hashed_ / options_.least_part;
    hashed_ = hashed;
    if (far) hashed_more_.notify_all();
  }

  /// Waits until there is something beyond `hashed`, and minds the number of connections meanwhile.
  Result<std::uint64_t> wait_for(std::uint64_t hashed) {
    for (;;) {
      DAVIT_TRY_VOID(check(context_));
      std::size_t more = 0;
      std::uint64_t front = 0;
      {
        MutexLock lock(mutex_);
        if (failure_) return *failure_;
        front = front_of();
        more = advise(hashed);
        if (front <= hashed && more == 0) {
          changed_.wait_until(mutex_, std::chrono::steady_clock::now() + kTick);
        }
      }
      for (; more > 0; --more) {
        if (!slots_.try_take()) {
          MutexLock lock(mutex_);
          wanted_ = active_;
          growing_ = false;
          break;
        }
        if (add_receiver()) continue;
        slots_.give_back();
        break;
      }
      if (front > hashed) return front;
    }
  }

  std::uint64_t front_of() DAVIT_REQUIRES(mutex_) {
    auto piece = pieces_.begin();
    std::uint64_t front = piece->second.done;
    while (front == piece->second.end) {
      auto next = std::next(piece);
      // Given back before a byte of it came, and brought by the stream before it.
      while (next != pieces_.end() && next->first < front) next = pieces_.erase(next);
      if (next == pieces_.end() || next->first != front) break;
      pieces_.erase(piece);
      piece = next;
      front = piece->second.done;
    }
    return front;
  }

  /// How many connections to add now.
  std::size_t advise(std::uint64_t hashed) DAVIT_REQUIRES(mutex_) {
    if (!growing_ || ranges_ == nullptr || !measured_from_) return 0;
    const SteadyTime now = std::chrono::steady_clock::now();
    const auto elapsed = now - *measured_from_;
    if (elapsed < options_.window) return 0;
    const double rate =
        static_cast<double>(received_ - measured_at_) / std::chrono::duration<double>(elapsed).count();
    measured_from_ = now;
    measured_at_ = received_;
    if (settling_) {  // new connections are slow at first
      settling_ = false;
      return 0;
    }
    if (received_ > hashed + options_.most_unhashed) return 0;
    if (wanted_ > 1 && rate < options_.worthwhile * rate_before_) {
      growing_ = false;
      wanted_ = std::max<std::size_t>(wanted_ / kGrowth, 1);
      return 0;
    }
    if (static_cast<double>(size_ - received_) < kSoon * rate) return 0;
    if (wanted_ == 1 && !split()) return 0;
    rate_before_ = rate;
    settling_ = true;
    const std::size_t before = active_;
    wanted_ *= kGrowth;
    return wanted_ > before ? wanted_ - before : 0;
  }

  /// Makes work for others out of what the first connection would bring.
  bool split() DAVIT_REQUIRES(mutex_) {
    for (auto& [begin, piece] : pieces_) {
      if (!piece.open_ended || piece.done == piece.end) continue;
      const std::uint64_t keeps = piece.done + options_.lead;
      if (piece.end < keeps + options_.least_part) continue;
      give({keeps, piece.end});
      piece.end = keeps;
      return true;
    }
    return false;
  }

  bool add_receiver() {
    {
      MutexLock lock(mutex_);
      ++active_;
      wanted_ = std::max(wanted_, active_);
    }
    try {
      const bool first = receivers_.empty();
      receivers_.emplace_back([this, first] {
        auto received = guarded([this] { return receive(); });
        if (!first) slots_.give_back();
        MutexLock lock(mutex_);
        if (!received && !failure_) failure_ = received.error();
        changed_.notify_all();
      });
      return true;
    } catch (const std::system_error&) {  // no thread to be had
      MutexLock lock(mutex_);
      --active_;
      wanted_ = active_;
      growing_ = false;
      return false;
    }
  }

  /// A receiver's life: one piece after the other. It stops counting in the same breath in which it decides
  /// to go, so that who gives work back knows whether somebody is left to do it.
  Result<> receive() {
    std::vector<std::byte> block(kBlock);
    std::uint64_t turn = options_.least_part;
    for (;;) {
      Piece* piece = nullptr;
      Interval interval{};
      SteadyTime begun;
      {
        MutexLock lock(mutex_);
        while (far_ahead() && check(inner_))
          hashed_more_.wait_until(mutex_, std::chrono::steady_clock::now() + kTick);
        begun = std::chrono::steady_clock::now();
        if (todo_.empty() || failure_ || active_ > wanted_) {
          --active_;
          return {};
        }
        interval = take_interval(turn);
        piece = &pieces_[interval.begin];
        *piece = {
            .end = interval.end, .done = interval.begin, .open_ended = ranges_ == nullptr || wanted_ == 1};
      }
      auto brought = guarded([&] { return bring(*piece, interval, block); });
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
      MutexLock lock(mutex_);
      if (brought) {
        turn =
            static_cast<std::uint64_t>(static_cast<double>(*brought) * (kTurn / std::max(took, kTurn / 1e6)));
        continue;
      }
      const bool last = active_ == 1;
      // Who is alone with ranges that do not work has one stream left to try.
      const bool no_ranges = !piece->open_ended && (last || brought.error().code == Errc::unsupported);
      if (brought.error().side == Side::destination || failure_ || (last && !no_ranges)) {
        --active_;
        return brought.error();
      }
      if (piece->done < piece->end) give({piece->done, piece->end});
      piece->end = piece->done;
      if (no_ranges) ranges_ = nullptr;
      growing_ = false;
      wanted_ = last ? 1 : active_ - 1;
      if (last) continue;
      --active_;  // the others go on with what is left
      return {};
    }
  }

  /// Into its place: hashing waits for the first, so that nothing may come before it.
  void give(const Interval& interval) DAVIT_REQUIRES(mutex_) {
    todo_.insert(std::ranges::upper_bound(todo_, interval.begin, {}, &Interval::begin), interval);
  }

  /// What comes next, about `fair` bytes of it.
  Interval take_interval(std::uint64_t fair) DAVIT_REQUIRES(mutex_) {
    Interval& next = todo_.front();
    std::uint64_t length = next.end - next.begin;
    if (wanted_ > 1 && ranges_ != nullptr) {
      std::uint64_t left = 0;
      for (const Interval& interval : todo_) left += interval.end - interval.begin;
      fair = std::min(fair, left / (2 * wanted_));
      length = std::min(length, std::clamp(fair, options_.least_part, options_.most_part));
    }
    const std::uint64_t rest = next.end - next.begin - length;
    if (rest != 0 && rest < kGap && length > 2 * kGap) length -= kGap;
    const Interval taken{next.begin, next.begin + length};
    next.begin = taken.end;
    if (next.begin == next.end) todo_.pop_front();
    return taken;
  }

  /// Gives the number of bytes.
  Result<std::uint64_t> bring(Piece& piece, const Interval& interval, std::vector<std::byte>& block) {
    RangeReader* ranges = nullptr;
    {
      MutexLock lock(mutex_);
      if (!piece.open_ended) ranges = ranges_;
      piece.open_ended = ranges == nullptr;
    }
    auto opened =
        ranges == nullptr
            ? supply_.content.open(interval.begin, inner_)
            : ranges->open_range(supply_.blob, {interval.begin, interval.end - interval.begin}, inner_);
    if (!opened) return opened.error().on(Side::source);
    std::unique_ptr<ByteSource> source = *std::move(opened);
    std::uint64_t at = interval.begin;
    std::uint64_t end = interval.end;
    while (at < end) {
      const std::uint64_t left = end - at;
      std::uint64_t length = std::min<std::uint64_t>(block.size(), left);
      if (left != length && left - length < kGap) length = left - kGap;
      const auto room = std::span(block).first(static_cast<std::size_t>(length));
      std::size_t filled = 0;
      while (filled < room.size()) {
        auto count = source->read(room.subspan(filled));
        if (!count) return count.error().on(Side::source);
        if (*count == 0) return too_short(supply_.blob, at + filled);
        filled += *count;
        if (filled >= kBlock / 2 && left - filled >= kGap) break;
      }
      DAVIT_TRY_VOID(write(draft_, at, room.first(filled)));
      at += filled;
      MutexLock lock(mutex_);
      piece.done = at;
      received_ += filled;
      progress_.reached(received_);
      if (!measured_from_) {
        measured_from_ = std::chrono::steady_clock::now();
        measured_at_ = received_;
      }
      if (failure_) return *failure_;
      if (at == piece.end && piece.open_ended) extend(piece);
      end = piece.end;
      changed_.notify_all();
    }
    return at - interval.begin;
  }

  /// A stream that is open anyway goes on where nobody else has begun.
  void extend(Piece& piece) DAVIT_REQUIRES(mutex_) {
    if (todo_.empty() || todo_.front().begin != piece.end || active_ > wanted_) return;
    piece.end = take_interval(options_.lead).end;
  }

  const BlobSupply& supply_;
  const std::uint64_t size_;
  BlobDraft& draft_;
  Slots& slots_;
  BlobProgress& progress_;
  const AssembleOptions& options_;
  const CallContext& context_;
  std::stop_source stop_;
  const CallContext inner_;  ///< of the receivers: they are also stopped when one of them fails
  std::stop_callback<std::function<void()>> outer_stop_;

  Mutex mutex_;
  CondVar changed_;
  CondVar hashed_more_;
  RangeReader* ranges_ DAVIT_GUARDED_BY(mutex_);                    ///< null once it turned out not to work
  std::map<std::uint64_t, Piece> pieces_ DAVIT_GUARDED_BY(mutex_);  ///< by where they begin
  std::deque<Interval> todo_ DAVIT_GUARDED_BY(mutex_);              ///< that nobody has taken on, in order
  std::uint64_t received_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::uint64_t hashed_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::size_t active_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::size_t wanted_ DAVIT_GUARDED_BY(mutex_) = 1;
  std::optional<Error> failure_ DAVIT_GUARDED_BY(mutex_);
  // The search for the right number of connections.
  bool growing_ DAVIT_GUARDED_BY(mutex_) = true;
  bool settling_ DAVIT_GUARDED_BY(mutex_) = false;
  double rate_before_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::optional<SteadyTime> measured_from_ DAVIT_GUARDED_BY(mutex_);
  std::uint64_t measured_at_ DAVIT_GUARDED_BY(mutex_) = 0;

  std::vector<std::thread> receivers_;  ///< touched by the hashing thread alone
};

Result<Digest> fill(const BlobSupply& supply, BlobDraft& draft, std::uint64_t kept, Slots& slots,
                    BlobProgress& progress, const AssembleOptions& options, const CallContext& context) {
  if (supply.blob.size - kept <= options.small) return fill_alone(supply, draft, kept, progress, context);
  return Assembly(supply, draft, slots, progress, options, context).fill(kept);
}

}  // namespace

Result<> assemble(const BlobSupply& supply, BlobDraft& draft, Slots& slots, BlobProgress& progress,
                  const AssembleOptions& options, const CallContext& context) {
  std::uint64_t kept = std::min(draft.kept(), supply.blob.size);
  for (;;) {
    DAVIT_TRY(const Digest actual, fill(supply, draft, kept, slots, progress, options, context));
    if (actual == supply.blob.digest) break;
    if (auto emptied = draft.restart(); !emptied) return emptied.error().on(Side::destination);
    if (kept == 0) return wrong_digest(supply.blob, actual);
    kept = 0;  // what the earlier run left was damaged
  }
  if (auto committed = draft.commit(); !committed) return committed.error().on(Side::destination);
  return {};
}

}  // namespace davit::transfer
