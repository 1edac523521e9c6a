#include "codec/workshop.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/context.h"
#include "base/try.h"

namespace davit::codec {

Buffer BufferPool::take_locked() {
  ++taken_;
  if (free_.empty()) return std::make_unique_for_overwrite<std::byte[]>(kEncodedMax);
  Buffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

Buffer BufferPool::take() {
  MutexLock lock(mutex_);
  return take_locked();
}

std::optional<Buffer> BufferPool::try_take() {
  MutexLock lock(mutex_);
  if (taken_ >= limit_) return std::nullopt;
  return take_locked();
}

void BufferPool::give_back(Buffer buffer) {
  MutexLock lock(mutex_);
  --taken_;
  if (taken_ + free_.size() < limit_) free_.push_back(std::move(buffer));
}

Bench BenchPool::borrow(const CompressSpec& spec) {
  Bench bench;
  {
    MutexLock lock(mutex_);
    const auto same = std::ranges::find(free_, spec, &Bench::spec);
    const auto any = same != free_.end() || free_.empty() ? same : free_.begin();
    if (any != free_.end()) {
      bench = std::move(*any);
      free_.erase(any);
    }
  }
  if (!bench.scratch) bench.scratch = std::make_unique_for_overwrite<std::byte[]>(kEncodedMax);
  if (!bench.encoder || bench.spec != spec) {
    bench.encoder.reset();
    bench.encoder = BlockEncoder::create(spec);
    bench.spec = spec;
  }
  return bench;
}

void BenchPool::give_back(Bench bench) {
  MutexLock lock(mutex_);
  free_.push_back(std::move(bench));
}

void Line::append(std::shared_ptr<Block> block) {
  MutexLock lock(mutex_);
  blocks_.push_back(std::move(block));
}

void Line::finish(Block& block, std::size_t size, bool failed) {
  std::function<void()> wake;
  {
    MutexLock lock(mutex_);
    block.size = size;
    block.failed = failed;
    block.done = true;
    if (!blocks_.empty() && blocks_.front().get() == &block) wake = std::exchange(wake_, nullptr);
    changed_.notify_all();
  }
  if (wake) wake();
}

std::size_t Line::size() const {
  MutexLock lock(mutex_);
  return blocks_.size();
}

bool Line::front_done(const std::function<void()>& wake) {
  MutexLock lock(mutex_);
  if (blocks_.empty() || blocks_.front()->done) return true;
  wake_ = wake;
  return false;
}

Result<std::shared_ptr<Block>> Line::take_front(const CallContext& context) {
  const std::stop_callback on_stop(context.stop, [this] {
    MutexLock lock(mutex_);
    changed_.notify_all();
  });
  MutexLock lock(mutex_);
  while (!blocks_.front()->done) {
    DAVIT_TRY_VOID(check(context));
    if (context.deadline) {
      changed_.wait_until(mutex_, *context.deadline);
    } else {
      changed_.wait(mutex_);
    }
  }
  wake_ = nullptr;
  std::shared_ptr<Block> front = std::move(blocks_.front());
  blocks_.pop_front();
  return front;
}

void Line::abandon() {
  MutexLock lock(mutex_);
  abandoned_ = true;
  wake_ = nullptr;
  blocks_.clear();
}

bool Line::abandoned() const {
  MutexLock lock(mutex_);
  return abandoned_;
}

}  // namespace davit::codec
