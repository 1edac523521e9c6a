#pragma once

#include <optional>
#include <string>

#include <davit/limits.h>

#include "base/log.h"
#include "base/mutex.h"
#include "net/http.h"

namespace davit::registry {

/// What a registry that counts pulls says about them with its manifests (Docker Hub: `ratelimit-limit:
/// 100;w=21600`, `ratelimit-remaining: 76;w=21600`). Only a GET costs one. Thread-safe.
class PullCount {
 public:
  PullCount(std::string registry, Log log) : registry_(std::move(registry)), log_(std::move(log)) {}

  /// Looks at the headers of an answer about a manifest; logs when half of what was left is gone.
  void note(const net::Headers& headers);
  /// Empty while nothing was said.
  [[nodiscard]] std::optional<PullQuota> get() const;

 private:
  const std::string registry_;
  const Log log_;
  mutable Mutex mutex_;
  std::optional<PullQuota> last_ DAVIT_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> logged_ DAVIT_GUARDED_BY(mutex_);
};

/// "12 of 100 pulls in 6 hours left"
std::string text_of(const PullQuota& quota);

}  // namespace davit::registry
