#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>

#include <davit/transfer.h>

#include "base/mutex.h"
#include "base/notifier.h"

namespace davit::transfer {

/// One blob on its way. Counting is lock-free; the name never changes.
class BlobProgress {
 public:
  /// `skipped`, which may be null, gets what did not have to be read.
  BlobProgress(std::string name, std::uint64_t total, std::atomic<std::uint64_t>& sum,
               std::atomic<std::uint64_t>* skipped = nullptr)
      : name_(std::move(name)), total_(total), sum_(sum), skipped_(skipped) {}

  /// The reader has come this far. Reading the same bytes again, after a retry, does not count twice.
  void reached(std::uint64_t position);
  /// It is there, and what nobody has read nobody has to.
  void complete();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  const std::string name_;
  const std::uint64_t total_;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::uint64_t>& sum_;
  std::atomic<std::uint64_t>* const skipped_;
};

/// The figures of one transfer and the ear of its observer. Thread-safe.
class Board {
 public:
  /// REQUIRES: both outlive the board. A null observer is fine.
  Board(Observer* observer, Notifier& notifier) : observer_(observer), notifier_(notifier) {}

  void planned(std::uint64_t blobs, std::uint64_t bytes, std::uint64_t present);
  /// Another run follows, whose blobs and bytes add to those so far.
  void next_run();
  std::shared_ptr<BlobProgress> start(std::string name, std::uint64_t total);
  void finish(const std::shared_ptr<BlobProgress>& blob);
  void note(std::string text);
  void finished(std::vector<Delivery> deliveries);

  [[nodiscard]] Progress snapshot() const;
  /// Bytes of blobs that were read, each once.
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_done_ - bytes_skipped_; }

 private:
  void tell(std::function<void(Observer&)> event);

  Observer* const observer_;
  Notifier& notifier_;
  std::atomic<std::uint64_t> bytes_done_ = 0;
  std::atomic<std::uint64_t> bytes_skipped_ = 0;
  std::atomic<std::uint64_t> bytes_total_ = 0;
  std::atomic<std::uint64_t> blobs_done_ = 0;
  std::atomic<std::uint64_t> blobs_total_ = 0;
  std::atomic<std::uint64_t> blobs_present_ = 0;
  std::atomic<bool> planned_ = false;
  std::atomic<std::uint64_t> earlier_blobs_ = 0;  ///< in the totals, of runs that have ended
  std::atomic<std::uint64_t> earlier_bytes_ = 0;
  std::atomic<std::uint64_t> earlier_present_ = 0;
  mutable Mutex mutex_;
  std::list<std::shared_ptr<BlobProgress>> active_
      DAVIT_GUARDED_BY(mutex_);  // co-owned by the contents that count
};

/// The same content, reporting how far it has been read.
std::shared_ptr<const Content> counted(std::shared_ptr<const Content> inner,
                                       std::shared_ptr<BlobProgress> progress);

}  // namespace davit::transfer
