#pragma once

#include <atomic>
#include <cstddef>

namespace davit::transfer {

/// How many connections may carry blobs at once. A blob's first connection is always granted; further ones
/// only while there are some left. Thread-safe.
class Slots {
 public:
  explicit Slots(std::size_t most) : free_(static_cast<std::ptrdiff_t>(most)) {}

  void take() { --free_; }
  bool try_take() {
    if (--free_ >= 0) return true;
    ++free_;
    return false;
  }
  void give_back() { ++free_; }

 private:
  std::atomic<std::ptrdiff_t> free_;
};

}  // namespace davit::transfer
