#pragma once

#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "mirror/find.h"

namespace davit::mirror {

/// Images between those who find them and the one who brings them away. It takes only so much. Thread-safe.
class Queue {
 public:
  /// Waits until there is room.
  void put(std::vector<Find> finds);
  /// Nothing follows.
  void close();
  /// Waits for images and takes all that are there; none: nothing follows.
  std::vector<Find> take();

 private:
  static std::uint64_t weight_of(const std::vector<Find>& finds);

  Mutex mutex_;
  CondVar changed_;
  std::vector<Find> waiting_ DAVIT_GUARDED_BY(mutex_);
  std::uint64_t weight_ DAVIT_GUARDED_BY(mutex_) = 0;
  bool closed_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::mirror
