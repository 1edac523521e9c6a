#pragma once

#include <map>
#include <optional>
#include <string>

#include <davit/error.h>

#include "base/clock.h"
#include "base/mutex.h"

namespace davit::mirror {

/// Registries that could not be reached lately. All their work would only wait for them, so for a while
/// nobody asks. Thread-safe. REQUIRES: the clock outlives it.
class Outages {
 public:
  explicit Outages(Clock& clock) : clock_(clock) {}

  void note(const std::string& host, const Error& error);
  /// Why a registry is not asked now.
  [[nodiscard]] std::optional<Error> of(const std::string& host) const;
  void forget();

 private:
  struct Outage {
    Clock::Steady at;
    Error error;
  };

  Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Outage> outages_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::mirror
