#pragma once

#include <csignal>

namespace davit::io {

/// Keeps SIGPIPE from this thread for a scope: writes to closed connections and pipes raise it, and the host
/// program's disposition is not ours to change. One that was pending before stays pending.
class SigpipeGuard {
 public:
  SigpipeGuard();
  ~SigpipeGuard();
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

 private:
  sigset_t before_{};
  bool ours_ = false;  // it was neither blocked nor pending before
};

}  // namespace davit::io
