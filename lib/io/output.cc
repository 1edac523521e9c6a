#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <davit/output.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/guarded.h"
#include "base/try.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/staged_file.h"
#include "io/stream_writer.h"

namespace davit {
namespace {

constexpr std::size_t kBuffer = 256 << 10;

using Write = std::function<Result<>(std::uint64_t offset, std::span<const std::byte> bytes)>;

Result<std::uint64_t> write_all(ByteSource& source, const CallContext& context, const Write& write) {
  std::vector<std::byte> buffer(kBuffer);
  for (std::uint64_t done = 0;;) {
    DAVIT_TRY_VOID(check(context));
    DAVIT_TRY(const std::size_t count, guarded([&] { return source.read(buffer); }));
    if (count == 0) return done;
    auto written = write(done, std::span(buffer).first(count));
    if (!written) return written.error().on(Side::destination);
    done += count;
  }
}

Result<std::uint64_t> write_stream(ByteSource& source, const CallContext& context) {
  io::File file(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!file.is_open()) return errno_error("open standard output", errno);
  io::StreamWriter out(std::move(file), "standard output");
  return write_all(source, context, [&](std::uint64_t, std::span<const std::byte> bytes) {
    return out.write(bytes, context);
  });
}

/// Where the file really goes: links are followed, and nothing but a file is replaced.
Result<std::string> target_of(const std::string& path, ExistingFile existing) {
  struct stat status {};
  const std::string shown = escaped(path, 400);
  if (path.empty() || path.ends_with('/'))
    return make_error(Errc::invalid_argument, "\"" + shown + "\" names no file");
  if (::stat(path.c_str(), &status) != 0) return path;
  if (!S_ISREG(status.st_mode)) {
    return make_error(Errc::invalid_argument,
                      shown + (S_ISDIR(status.st_mode) ? " is a directory" : " is not a regular file"),
                      S_ISDIR(status.st_mode) ? "name a file in it" : "write to - instead");
  }
  if (existing == ExistingFile::refuse) {
    return make_error(Errc::already_exists, shown + " exists already", "leave out --no-clobber to replace it")
        .on(Side::destination);
  }
  char* const resolved = ::realpath(path.c_str(), nullptr);
  std::string out = resolved != nullptr ? resolved : path;
  std::free(resolved);
  return out;
}

}  // namespace

Result<std::uint64_t> write_output(ByteSource& source, const std::string& output, const CallContext& context,
                                   const OutputOptions& options) {
  if (output == "-") return write_stream(source, context);
  DAVIT_TRY(const std::string target, target_of(output, options.existing));
  const auto slash = target.rfind('/');
  const std::string name = slash == std::string::npos ? target : target.substr(slash + 1);
  DAVIT_TRY(auto folder, io::Folder::open(slash == std::string::npos ? "." : target.substr(0, slash + 1)));
  const std::string partial = name + ".davit-partial";
  io::StagedFile::sweep(*folder, partial, std::chrono::hours(7 * 24));
  DAVIT_TRY(auto file, io::StagedFile::temporary(folder, partial));
  DAVIT_TRY(const std::uint64_t size,
            write_all(source, context, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
              return file->write_at(offset, bytes);
            }));
  auto published =
      file->publish(*folder, name, options.sync ? io::Durability::synced : io::Durability::unsynced);
  if (!published) return published.error().on(Side::destination);
  return size;
}

}  // namespace davit
