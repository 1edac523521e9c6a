#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <davit/call_context.h>

#include "base/mutex.h"
#include "base/worker_pool.h"
#include "codec/block_encoder.h"

namespace davit::codec {

using Buffer = std::unique_ptr<std::byte[]>;  ///< kEncodedMax bytes

/// The buffers of a compressor: at most `limit` at once, and one more for each source that has none. Kept for
/// reuse, because fresh memory costs a page fault per 4 KiB. Thread-safe.
class BufferPool {
 public:
  explicit BufferPool(std::size_t limit) : limit_(limit) {}

  /// A buffer in any case.
  Buffer take() DAVIT_EXCLUDES(mutex_);
  /// A buffer if one is left.
  std::optional<Buffer> try_take() DAVIT_EXCLUDES(mutex_);
  void give_back(Buffer buffer) DAVIT_EXCLUDES(mutex_);

 private:
  Buffer take_locked() DAVIT_REQUIRES(mutex_);

  const std::size_t limit_;
  Mutex mutex_;
  std::vector<Buffer> free_ DAVIT_GUARDED_BY(mutex_);
  std::size_t taken_ DAVIT_GUARDED_BY(mutex_) = 0;
};

/// An encoder and the buffer it writes to; borrowed by one job at a time.
struct Bench {
  CompressSpec spec;
  std::unique_ptr<BlockEncoder> encoder;
  Buffer scratch;
};

/// As many benches as there are threads. Thread-safe.
class BenchPool {
 public:
  Bench borrow(const CompressSpec& spec) DAVIT_EXCLUDES(mutex_);
  void give_back(Bench bench) DAVIT_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::vector<Bench> free_ DAVIT_GUARDED_BY(mutex_);
};

/// What all compression of one client shares. Member order matters: the threads go first, then what their
/// jobs use.
struct Workshop {
  Workshop(std::size_t threads, std::size_t blocks)
      : buffers(std::make_shared<BufferPool>(blocks)), pool(threads) {}

  std::shared_ptr<BufferPool> buffers;  // co-owned by blocks on their way
  BenchPool benches;
  WorkerPool pool;
};

/// One block on its way: plain bytes in, compressed bytes out, in the same buffer slot.
struct Block {
  explicit Block(std::shared_ptr<BufferPool> from, Buffer taken)
      : pool(std::move(from)), buffer(std::move(taken)) {}
  ~Block() { pool->give_back(std::move(buffer)); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::shared_ptr<BufferPool> pool;  // co-owned with the compressor
  Buffer buffer;
  std::size_t size = 0;
  bool done = false;    ///< guarded by the line's mutex once the block is in a line
  bool failed = false;  ///< likewise: out of memory
};

/// The blocks of one source in their order, shared by the source and the jobs that compress them.
/// Thread-safe.
class Line {
 public:
  void append(std::shared_ptr<Block> block) DAVIT_EXCLUDES(mutex_);
  /// A job is through with a block.
  void finish(Block& block, std::size_t size, bool failed) DAVIT_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t size() const DAVIT_EXCLUDES(mutex_);
  /// Whether the first block is done; if not, `wake` is called once when it is.
  bool front_done(const std::function<void()>& wake) DAVIT_EXCLUDES(mutex_);
  /// Waits for the first block and takes it out. REQUIRES: size() != 0. Errors: cancelled, timeout.
  Result<std::shared_ptr<Block>> take_front(const CallContext& context) DAVIT_EXCLUDES(mutex_);
  /// The source has gone: blocks that nobody has begun are dropped.
  void abandon() DAVIT_EXCLUDES(mutex_);
  [[nodiscard]] bool abandoned() const DAVIT_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<Block>> blocks_ DAVIT_GUARDED_BY(mutex_);  // co-owned with the jobs
  std::function<void()> wake_ DAVIT_GUARDED_BY(mutex_);
  bool abandoned_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::codec
