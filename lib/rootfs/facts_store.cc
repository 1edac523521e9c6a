#include "rootfs/facts_store.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace davit::rootfs {

/// Trees are limited to fewer nodes than there are numbers.
std::uint32_t FactsStore::add(const Facts& facts) {
  if (all_.size() >= limit_) {
    drop_unused();
    limit_ = all_.size() + std::max(kSpare, all_.size() / 2);
  }
  all_.push_back(facts);
  return static_cast<std::uint32_t>(all_.size() - 1);
}

/// What is used moves to the front, in its order.
void FactsStore::drop_unused() {
  std::vector<std::uint32_t> numbers(all_.size(), kNone);
  for (const Merge* user : users_) {
    for (std::uint32_t node = 0; node < user->tree().size(); ++node)
      if (const std::uint32_t number = user->tree().at(node).facts; number != kNone) numbers[number] = 0;
  }
  std::uint32_t used = 0;
  for (std::size_t number = 0; number < numbers.size(); ++number) {
    if (numbers[number] == kNone) continue;
    all_[used] = all_[number];
    numbers[number] = used++;
  }
  all_.resize(used);
  for (Merge* user : users_) user->renumber_facts(numbers);
}

}  // namespace davit::rootfs
