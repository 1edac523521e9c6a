#include "transfer/progress.h"

#include "base/try.h"

namespace davit::transfer {
namespace {

class CountedSource final : public ByteSource {
 public:
  CountedSource(std::unique_ptr<ByteSource> inner, std::uint64_t position,
                std::shared_ptr<BlobProgress> progress)
      : inner_(std::move(inner)), position_(position), progress_(std::move(progress)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    auto count = inner_->read(into);
    if (count) progress_->reached(position_ += *count);
    return count;
  }

  bool ready(const std::function<void()>& wake) override { return inner_->ready(wake); }

 private:
  std::unique_ptr<ByteSource> inner_;
  std::uint64_t position_;
  std::shared_ptr<BlobProgress> progress_;  // co-owned with the board
};

class CountedContent final : public Content {
 public:
  CountedContent(std::shared_ptr<const Content> inner, std::shared_ptr<BlobProgress> progress)
      : inner_(std::move(inner)), progress_(std::move(progress)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto source, inner_->open(offset, context));
    return std::unique_ptr<ByteSource>(std::make_unique<CountedSource>(std::move(source), offset, progress_));
  }

  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return inner_->descriptor(); }

 private:
  std::shared_ptr<const Content> inner_;  // co-owned with whoever made it
  std::shared_ptr<BlobProgress> progress_;
};

}  // namespace

void BlobProgress::reached(std::uint64_t position) {
  std::uint64_t before = done_;
  while (position > before) {
    if (!done_.compare_exchange_weak(before, position)) continue;
    sum_ += position - before;
    return;
  }
}

void BlobProgress::complete() {
  const std::uint64_t before = done_;
  reached(total_);
  if (skipped_ != nullptr && before < total_) *skipped_ += total_ - before;
}

void Board::planned(std::uint64_t blobs, std::uint64_t bytes, std::uint64_t present) {
  // A run that has to send more than it thought plans anew: totals grow, and are announced once.
  blobs_total_ = std::max(earlier_blobs_ + blobs, blobs_total_.load());
  bytes_total_ = std::max(earlier_bytes_ + bytes, bytes_total_.load());
  blobs_present_ = earlier_present_ + present;
  if (planned_.exchange(true)) return;
  tell([progress = snapshot()](Observer& observer) { observer.planned(progress); });
}

void Board::next_run() {
  earlier_blobs_ = blobs_total_.load();
  earlier_bytes_ = bytes_total_.load();
  earlier_present_ = blobs_present_.load();
}

std::shared_ptr<BlobProgress> Board::start(std::string name, std::uint64_t total) {
  auto blob = std::make_shared<BlobProgress>(std::move(name), total, bytes_done_, &bytes_skipped_);
  {
    MutexLock lock(mutex_);
    active_.push_back(blob);
  }
  tell([name = blob->name()](Observer& observer) { observer.started(name); });
  return blob;
}

void Board::finish(const std::shared_ptr<BlobProgress>& blob) {
  {
    MutexLock lock(mutex_);
    active_.remove(blob);
  }
  ++blobs_done_;
  tell([name = blob->name()](Observer& observer) { observer.done(name); });
}

void Board::note(std::string text) {
  tell([text = std::move(text)](Observer& observer) { observer.note(text); });
}

void Board::finished(std::vector<Delivery> deliveries) {
  tell([deliveries = std::move(deliveries)](Observer& observer) { observer.finished(deliveries); });
}

Progress Board::snapshot() const {
  Progress out;
  out.bytes_done = bytes_done_;
  out.bytes_total = bytes_total_;
  out.blobs_done = blobs_done_;
  out.blobs_total = blobs_total_;
  out.blobs_present = blobs_present_;
  out.planned = planned_;
  MutexLock lock(mutex_);
  for (const auto& blob : active_) out.active.push_back({blob->name(), blob->done(), blob->total()});
  return out;
}

void Board::tell(std::function<void(Observer&)> event) {
  if (observer_ == nullptr) return;
  notifier_.post([observer = observer_, event = std::move(event)] { event(*observer); });
}

std::shared_ptr<const Content> counted(std::shared_ptr<const Content> inner,
                                       std::shared_ptr<BlobProgress> progress) {
  return std::make_shared<CountedContent>(std::move(inner), std::move(progress));
}

}  // namespace davit::transfer
