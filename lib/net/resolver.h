#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <davit/call_context.h>
#include <davit/result.h>

#include "base/mutex.h"

namespace davit::net {

/// Names to addresses, remembered for a minute. Asks the system's resolver on a thread of its own, so that a
/// call can be cancelled while it hangs; a thread that is still waiting then finishes by itself. Thread-safe.
class Resolver {
 public:
  using Lookup = std::function<Result<std::vector<std::string>>(const std::string& host)>;

  /// Without a `lookup`, getaddrinfo. The lookup is called from other threads and may outlive the Resolver.
  explicit Resolver(Lookup lookup);

  /// Addresses to connect to, best first; at least one. Errors: unavailable (retryable when the failure is a
  /// temporary one), timeout after `limit`, cancelled.
  Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::milliseconds limit,
                                           const CallContext& context);

 private:
  struct Entry {
    std::vector<std::string> addresses;
    std::chrono::steady_clock::time_point expiry;
  };
  Lookup lookup_;
  Mutex mutex_;
  std::map<std::string, Entry> cache_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::net
