#include "net/handle_pool.h"

#include <algorithm>

#include "io/sigpipe.h"

namespace davit::net {

Handle::Handle() : easy(curl_easy_init()), multi(curl_multi_init()) {
  if (multi != nullptr) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
}

Handle::~Handle() {
  const io::SigpipeGuard guard;  // closing a TLS connection writes to it
  curl_easy_cleanup(easy);
  curl_multi_cleanup(multi);
}

std::unique_ptr<Handle> HandlePool::take(const std::string& key) {
  {
    MutexLock lock(mutex_);
    const auto found =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& handle) { return handle->key == key; });
    if (found != idle_.rend()) {
      auto handle = std::move(*found);
      idle_.erase(std::next(found).base());
      return handle;
    }
  }
  auto handle = std::make_unique<Handle>();
  handle->key = key;
  return handle;
}

void HandlePool::give_back(std::unique_ptr<Handle> handle) {
  std::unique_ptr<Handle> oldest;  // declared before the lock, so destroyed after it
  MutexLock lock(mutex_);
  idle_.push_back(std::move(handle));
  if (idle_.size() > most_idle_) {
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
}

}  // namespace davit::net
