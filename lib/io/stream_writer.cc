#include "io/stream_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "io/sigpipe.h"

namespace davit::io {
namespace {

std::size_t step_of(const File& file) {
  struct stat status {};
  const bool regular = ::fstat(file.descriptor(), &status) == 0 && S_ISREG(status.st_mode);
  return regular ? std::size_t{1} << 20 : PIPE_BUF;
}

}  // namespace

StreamWriter::StreamWriter(File file, std::string name)
    : file_(std::move(file)), name_(std::move(name)), step_(step_of(file_)) {}

Result<> StreamWriter::write(std::span<const std::byte> bytes, const CallContext& context) {
  constexpr int kLookUp = 200;  // ms between looks at the stop token
  while (!bytes.empty()) {
    DAVIT_TRY_VOID(check(context));
    pollfd wait{file_.descriptor(), POLLOUT, 0};
    const int ready = ::poll(&wait, 1, kLookUp);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    if (ready < 0) return errno_error("wait for " + name_, errno);
    const SigpipeGuard guard;
    const ssize_t count = ::write(file_.descriptor(), bytes.data(), std::min(bytes.size(), step_));
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EPIPE) {
      return make_error(Errc::local_io, name_ + ": whoever was reading it has stopped");
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno_error("write " + name_, errno);
    }
  }
  return {};
}

}  // namespace davit::io
