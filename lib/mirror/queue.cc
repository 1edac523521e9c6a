#include "mirror/queue.h"

#include <iterator>
#include <utility>

namespace davit::mirror {
namespace {

/// Memory of what waits: manifests, and what is made of each blob that they list.
constexpr std::uint64_t kMost = 12u << 20;
constexpr std::uint64_t kOfBlob = 700;

}  // namespace

std::uint64_t Queue::weight_of(const std::vector<Find>& finds) {
  std::uint64_t sum = 0;
  for (const Find& find : finds) {
    for (const Manifest& manifest : find.graph->manifests) sum += 2 * manifest.bytes().size();
    sum += kOfBlob * find.graph->blobs.size() * (1 + find.places.size());
  }
  return sum;
}

void Queue::put(std::vector<Find> finds) {
  const std::uint64_t weight = weight_of(finds);
  MutexLock lock(mutex_);
  while (weight_ > kMost && !closed_) changed_.wait(mutex_);
  weight_ += weight;
  waiting_.insert(waiting_.end(), std::make_move_iterator(finds.begin()),
                  std::make_move_iterator(finds.end()));
  changed_.notify_all();
}

void Queue::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::vector<Find> Queue::take() {
  MutexLock lock(mutex_);
  while (waiting_.empty() && !closed_) changed_.wait(mutex_);
  weight_ = 0;
  changed_.notify_all();
  return std::exchange(waiting_, {});
}

}  // namespace davit::mirror
