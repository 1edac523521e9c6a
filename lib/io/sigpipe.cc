#include "io/sigpipe.h"

#include <cerrno>
#include <ctime>

namespace davit::io {
namespace {

sigset_t pipe_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

}  // namespace

SigpipeGuard::SigpipeGuard() {
  sigset_t pending;
  sigpending(&pending);
  const sigset_t set = pipe_set();
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  ours_ = !sigismember(&pending, SIGPIPE) && !sigismember(&before_, SIGPIPE);
}

SigpipeGuard::~SigpipeGuard() {
  if (!ours_) return;
  const int saved = errno;
  const sigset_t set = pipe_set();
  const timespec at_once{};
  while (::sigtimedwait(&set, nullptr, &at_once) == -1 && errno == EINTR) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = saved;
}

}  // namespace davit::io
