#include "io/stream_source.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "io/read_all.h"

namespace davit::io {
namespace {

class StreamSource final : public ByteSource {
 public:
  StreamSource(File file, CallContext context) : file_(std::move(file)), context_(std::move(context)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    constexpr int kLookUp = 200;  // ms between looks at the stop token
    for (;;) {
      DAVIT_TRY_VOID(check(context_));
      pollfd wait{file_.descriptor(), POLLIN, 0};
      const int ready = ::poll(&wait, 1, kLookUp);
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      if (ready < 0) return errno_error("poll", errno);
      const ssize_t count = ::read(file_.descriptor(), into.data(), into.size());
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR && errno != EAGAIN) return errno_error("read", errno);
    }
  }

 private:
  File file_;
  CallContext context_;
};

}  // namespace

std::unique_ptr<ByteSource> stream_source(File file, CallContext context) {
  return std::make_unique<StreamSource>(std::move(file), std::move(context));
}

Result<std::shared_ptr<const File>> spooled(ByteSource& source, const std::string& directory) {
  DAVIT_TRY(File file, File::temporary(directory));
  std::vector<std::byte> buffer(256 << 10);
  for (std::uint64_t done = 0;;) {
    DAVIT_TRY(const std::size_t count, read_full(source, buffer));
    if (count == 0) break;
    if (auto written = file.write_at(done, std::span(buffer).first(count)); !written)
      return written.error().with_context("temporary copy in " + directory);
    done += count;
  }
  return std::make_shared<const File>(std::move(file));
}

}  // namespace davit::io
