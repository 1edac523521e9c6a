#pragma once

#include <optional>
#include <utility>

#include <davit/descriptor.h>

#include "base/mutex.h"

namespace davit::codec {

/// A descriptor that is set once by whoever reads the content to its end. Thread-safe.
class KnownLater {
 public:
  void set(Descriptor descriptor) {
    MutexLock lock(mutex_);
    descriptor_ = std::move(descriptor);
  }
  [[nodiscard]] std::optional<Descriptor> get() const {
    MutexLock lock(mutex_);
    return descriptor_;
  }

 private:
  mutable Mutex mutex_;
  std::optional<Descriptor> descriptor_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::codec
