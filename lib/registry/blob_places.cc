#include "registry/blob_places.h"

#include <utility>

#include "base/context.h"
#include "base/try.h"

namespace davit::registry {
namespace {

/// Blobs that are remembered; more are forgotten all at once, which costs a request each.
constexpr std::size_t kMostEntries = 4096;

}  // namespace

BlobPlaces::Question::Question(Question&& other) noexcept
    : places_(std::exchange(other.places_, nullptr)), blob_(other.blob_) {}

BlobPlaces::Question::~Question() {
  if (places_ != nullptr) places_->settle(blob_, false, std::nullopt);
}

void BlobPlaces::Question::answered(std::optional<BlobPlace> place) {
  if (places_ != nullptr) std::exchange(places_, nullptr)->settle(blob_, true, std::move(place));
}

Result<BlobPlaces::Advice> BlobPlaces::advice(const Digest& blob, const CallContext& context) {
  const std::stop_callback wake(context.stop, [this] {
    MutexLock lock(mutex_);
    changed_.notify_all();
  });
  MutexLock lock(mutex_);
  for (;;) {
    DAVIT_TRY_VOID(check(context));
    if (entries_.size() >= kMostEntries && !entries_.contains(blob))
      std::erase_if(entries_, [](const auto& entry) { return !entry.second.asking; });
    Entry& entry = entries_[blob];
    if (entry.at_registry) return Advice{};
    if (entry.place) return Advice{.place = entry.place};
    if (!entry.asking) {
      entry.asking = true;
      Advice advice;
      advice.question.emplace(*this, blob);
      return advice;
    }
    if (context.deadline) {
      changed_.wait_until(mutex_, *context.deadline);
    } else {
      changed_.wait(mutex_);
    }
  }
}

void BlobPlaces::settle(const Digest& blob, bool known, std::optional<BlobPlace> place) {
  MutexLock lock(mutex_);
  Entry& entry = entries_[blob];
  entry.asking = false;
  entry.at_registry = known && !place;
  entry.place = std::move(place);
  changed_.notify_all();
}

void BlobPlaces::refused(const Digest& blob, const net::Url& url) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(blob);
  if (found == entries_.end() || !found->second.place || found->second.place->url.text() != url.text())
    return;
  found->second.place.reset();
}

}  // namespace davit::registry
