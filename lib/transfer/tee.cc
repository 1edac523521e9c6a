#include "transfer/tee.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/mutex.h"
#include "base/try.h"

namespace davit::transfer {
namespace {

using Block = std::shared_ptr<const std::vector<std::byte>>;  // co-owned by the queues it waits in

enum class Attachment {
  waiting,   ///< not opened yet: the common reading may be joined
  joined,    ///< reads from its queue
  detached,  ///< too slow: reads its queue to the end, then goes on alone
  gone,      ///< released, or reads the original by itself
};

}  // namespace

struct Tee::Shared {
  struct Lane {
    Attachment attachment = Attachment::waiting;
    std::deque<Block> queue;
    std::function<void()> wake;
    bool blocks = false;                            ///< keeps the others waiting now
    std::chrono::steady_clock::duration blocked{};  ///< how long it has done so, all in all
    bool was_slow = false;
  };

  const std::shared_ptr<const Content> origin;
  const TeeOptions options;
  const CallContext context;

  mutable Mutex mutex;
  CondVar changed;
  std::vector<Lane> lanes DAVIT_GUARDED_BY(mutex);
  bool stopping DAVIT_GUARDED_BY(mutex) = false;
  bool ended DAVIT_GUARDED_BY(mutex) = false;
  Result<> outcome DAVIT_GUARDED_BY(mutex);
  std::chrono::steady_clock::time_point counted_until DAVIT_GUARDED_BY(mutex);
  std::thread pump;

  Shared(std::shared_ptr<const Content> content, std::size_t branches, const TeeOptions& chosen,
         const CallContext& caller)
      : origin(std::move(content)), options(chosen), context(caller), lanes(branches) {}

  void run();
  Result<> read_all();
  /// Waits until every branch of the common reading has room; false when nobody reads any more.
  bool wait_for_room();
  void count_blocking() DAVIT_REQUIRES(mutex);
  void hand_out(const Block& block);
  void announce() DAVIT_REQUIRES(mutex);
  void leave(Lane& lane) DAVIT_REQUIRES(mutex);
};

void Tee::Shared::announce() {
  changed.notify_all();
  for (Lane& lane : lanes) {
    if (!lane.wake || (lane.queue.empty() && !ended && lane.attachment == Attachment::joined)) continue;
    lane.wake();
    lane.wake = nullptr;
  }
}

void Tee::Shared::leave(Lane& lane) {
  lane.attachment = Attachment::gone;
  lane.queue.clear();
  lane.wake = nullptr;
  changed.notify_all();
}

void Tee::Shared::run() {
  Result<> result = guarded([this] { return read_all(); });
  MutexLock lock(mutex);
  outcome = std::move(result);
  ended = true;
  announce();
}

Result<> Tee::Shared::read_all() {
  std::unique_ptr<ByteSource> source;
  while (wait_for_room()) {
    if (!source) {
      DAVIT_TRY(source, origin->open(0, context));
    }
    auto block = std::make_shared<std::vector<std::byte>>(options.block_size);
    std::size_t filled = 0;
    bool end = false;
    while (filled < block->size() &&
           !end) {  // full blocks: a source of small pieces must not fill the queue with crumbs
      DAVIT_TRY(const std::size_t count, source->read(std::span(*block).subspan(filled)));
      end = count == 0;
      filled += count;
    }
    block->resize(filled);
    if (filled != 0) hand_out(block);
    if (end) return {};
  }
  return check(context);
}

bool Tee::Shared::wait_for_room() {
  const auto in_reading = [](const Lane& lane) {
    return lane.attachment == Attachment::waiting || lane.attachment == Attachment::joined;
  };
  const auto full = [&](const Lane& lane) { return in_reading(lane) && lane.queue.size() >= options.depth; };
  MutexLock lock(mutex);
  for (;;) {
    count_blocking();
    if (stopping || context.stop.stop_requested() || std::ranges::none_of(lanes, in_reading)) return false;
    const bool wanted =
        std::ranges::any_of(lanes, [](const Lane& lane) { return lane.attachment == Attachment::joined; });
    if (!wanted) {  // nothing is read for sinks that mount, or that have the blob after all
      changed.wait(mutex);
      continue;
    }
    if (std::ranges::none_of(lanes, full)) return true;
    // Somebody has to be kept waiting for a slow branch to count as slow.
    const bool others_wait =
        std::ranges::any_of(lanes, [&](const Lane& lane) { return in_reading(lane) && lane.queue.empty(); });
    if (!others_wait) {
      changed.wait(mutex);
      continue;
    }
    auto left = std::chrono::steady_clock::duration::max();
    for (Lane& lane : lanes) {
      if (!full(lane)) continue;
      lane.blocks = true;
      left = std::min(left, options.patience - lane.blocked);
    }
    if (left > left.zero()) {
      changed.wait_until(mutex, counted_until + left);
      continue;
    }
    for (Lane& lane : lanes) {
      if (!full(lane) || lane.blocked < options.patience) continue;
      lane.was_slow = true;
      if (lane.attachment == Attachment::waiting) {
        leave(lane);
      } else {
        lane.attachment = Attachment::detached;
      }
    }
    announce();
  }
}

void Tee::Shared::count_blocking() {
  const auto now = std::chrono::steady_clock::now();
  for (Lane& lane : lanes) {
    if (std::exchange(lane.blocks, false)) lane.blocked += now - counted_until;
  }
  counted_until = now;
}

void Tee::Shared::hand_out(const Block& block) {
  MutexLock lock(mutex);
  for (Lane& lane : lanes) {
    if (lane.attachment == Attachment::waiting || lane.attachment == Attachment::joined)
      lane.queue.push_back(block);
  }
  announce();
}

/// The reader's end of a branch that takes part in the common reading.
class Tee::LiveSource final : public ByteSource {
 public:
  LiveSource(std::shared_ptr<Shared> shared, std::size_t index, CallContext context)
      : shared_(std::move(shared)), index_(index), context_(std::move(context)) {}

  ~LiveSource() override {
    MutexLock lock(shared_->mutex);
    if (!alone_) shared_->leave(shared_->lanes[index_]);
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (!alone_ && used_ == (block_ ? block_->size() : 0)) DAVIT_TRY_VOID(next_block());
    if (alone_) return alone_->read(into);
    if (!block_) return std::size_t{0};
    const std::size_t count = std::min(into.size(), block_->size() - used_);
    std::memcpy(into.data(), block_->data() + used_, count);
    used_ += count;
    position_ += count;
    return count;
  }

  bool ready(const std::function<void()>& wake) override {
    if (alone_) return alone_->ready(wake);
    if (block_ && used_ < block_->size()) return true;
    MutexLock lock(shared_->mutex);
    Shared::Lane& lane = shared_->lanes[index_];
    if (!lane.queue.empty() || shared_->ended || shared_->stopping || lane.attachment != Attachment::joined)
      return true;
    lane.wake = wake;
    return false;
  }

 private:
  /// Leaves `block_` null at the end, or `alone_` set when this branch was left behind.
  Result<> next_block() {
    block_.reset();
    used_ = 0;
    std::stop_callback wake_up(context_.stop, [this] {
      MutexLock lock(shared_->mutex);
      shared_->changed.notify_all();
    });
    {
      MutexLock lock(shared_->mutex);
      Shared::Lane& lane = shared_->lanes[index_];
      while (lane.queue.empty() && !shared_->ended && !shared_->stopping &&
             lane.attachment == Attachment::joined && check(context_)) {
        if (context_.deadline) {
          shared_->changed.wait_until(shared_->mutex, *context_.deadline);
        } else {
          shared_->changed.wait(shared_->mutex);
        }
      }
      if (!lane.queue.empty()) {
        block_ = std::move(lane.queue.front());
        lane.queue.pop_front();
        shared_->changed.notify_all();
        return {};
      }
      DAVIT_TRY_VOID(check(context_));
      if (lane.attachment == Attachment::joined && !shared_->stopping) return shared_->outcome;
      shared_->leave(lane);
    }
    DAVIT_TRY(alone_, shared_->origin->open(position_, context_));
    return {};
  }

  std::shared_ptr<Shared> shared_;  // co-owned with the tee, which may end first
  std::size_t index_;
  CallContext context_;
  Block block_;
  std::size_t used_ = 0;
  std::uint64_t position_ = 0;
  std::unique_ptr<ByteSource> alone_;
};

class Tee::Branch final : public Content {
 public:
  Branch(std::shared_ptr<Shared> shared, std::size_t index) : shared_(std::move(shared)), index_(index) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    {
      MutexLock lock(shared_->mutex);
      Shared::Lane& lane = shared_->lanes[index_];
      if (lane.attachment == Attachment::waiting && offset == 0) {
        lane.attachment = Attachment::joined;
        shared_->changed.notify_all();
        return std::unique_ptr<ByteSource>(std::make_unique<LiveSource>(shared_, index_, context));
      }
      if (lane.attachment != Attachment::gone) shared_->leave(lane);
    }
    return shared_->origin->open(offset, context);
  }

  [[nodiscard]] std::optional<Descriptor> descriptor() const override {
    return shared_->origin->descriptor();
  }

 private:
  std::shared_ptr<Shared> shared_;  // co-owned with the tee
  std::size_t index_;
};

Tee::Tee(std::shared_ptr<const Content> origin, std::size_t branches, const TeeOptions& options,
         const CallContext& context)
    : shared_(std::make_shared<Shared>(std::move(origin), branches, options, context)) {
  try {
    shared_->pump = std::thread([shared = shared_.get()] {
      std::stop_callback wake_up(shared->context.stop, [shared] {
        MutexLock lock(shared->mutex);
        shared->changed.notify_all();
      });
      shared->run();
    });
  } catch (const std::system_error&) {  // no thread to be had: each branch reads the original by itself
    MutexLock lock(shared_->mutex);
    for (Shared::Lane& lane : shared_->lanes) shared_->leave(lane);
  }
}

Tee::~Tee() {
  {
    MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->announce();
  }
  if (shared_->pump.joinable()) shared_->pump.join();
}

std::shared_ptr<const Content> Tee::branch(std::size_t index) const {
  return std::make_shared<Branch>(shared_, index);
}

void Tee::release(std::size_t index) {
  MutexLock lock(shared_->mutex);
  shared_->leave(shared_->lanes[index]);
}

bool Tee::detached(std::size_t index) const {
  MutexLock lock(shared_->mutex);
  return shared_->lanes[index].was_slow;
}

}  // namespace davit::transfer
