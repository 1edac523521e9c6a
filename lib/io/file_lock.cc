#include "io/file_lock.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <sys/file.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/try.h"

namespace davit::io {
namespace {

/// 0, or errno.
int attempt(const File& file) {
  for (;;) {
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

bool has_none(int error) {
  return error == ENOLCK || error == EOPNOTSUPP || error == EINVAL ||
         error == EBADF;  // EBADF: NFS, read-only
}

}  // namespace

Result<LockAttempt> try_lock(const File& file) {
  const int failed = attempt(file);
  if (failed == 0) return LockAttempt::locked;
  if (failed == EWOULDBLOCK) return LockAttempt::held;
  if (has_none(failed)) return LockAttempt::unsupported;
  return errno_error("lock", failed);
}

Result<> lock(const File& file, const CallContext& context) {
  // Asked for again and again, since a wait inside flock could not be ended by the stop token.
  constexpr std::chrono::milliseconds kLongest{50};
  for (std::chrono::milliseconds pause{1};; pause = std::min(pause * 2, kLongest)) {
    const int failed = attempt(file);
    if (failed == 0) return {};
    if (has_none(failed)) return make_error(Errc::unsupported, "the file system has no locks");
    if (failed != EWOULDBLOCK) return errno_error("lock", failed);
    DAVIT_TRY_VOID(Clock::system().sleep_for(pause, context));
  }
}

}  // namespace davit::io
