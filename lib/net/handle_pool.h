#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>

#include "base/mutex.h"

namespace davit::net {

/// An easy handle and the private multi that drives it; its connections live in the multi. One thread at a
/// time.
struct Handle {
  Handle();
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CURL* easy;
  CURLM* multi;
  std::string key;
};

/// Idle handles by what their connections may be used for, so that connections stay warm. Thread-safe.
class HandlePool {
 public:
  explicit HandlePool(std::size_t most_idle) : most_idle_(most_idle) {}

  std::unique_ptr<Handle> take(const std::string& key);
  /// REQUIRES: the easy handle is no longer in its multi.
  void give_back(std::unique_ptr<Handle> handle);

 private:
  const std::size_t most_idle_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_ DAVIT_GUARDED_BY(mutex_);  // the longest idle first
};

}  // namespace davit::net
