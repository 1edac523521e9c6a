#include "io/atomic_file.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/file.h"

namespace davit::io {
namespace {

std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  std::string out = resolved != nullptr ? resolved : path;
  std::free(resolved);
  return out;
}

}  // namespace

Result<> replace_file(const std::string& path, std::string_view bytes, int mode, Durability durability) {
  const std::string target = real_path(path);
  const auto slash = target.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const auto failed = [&](const char* step) {
    return errno_error(std::string(step) + " " + escaped(target, 400), errno);
  };

  std::string temporary = target + ".XXXXXX";
  const File file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.is_open()) return failed("create a file beside");
  Result<> written = file.write_at(0, std::as_bytes(std::span(bytes)));
  if (!written) written = written.error().with_context(escaped(target, 400));
  if (written && ::fchmod(file.descriptor(), static_cast<mode_t>(mode)) != 0)
    written = failed("set the mode of");
  if (written && durability == Durability::synced && ::fsync(file.descriptor()) != 0)
    written = failed("sync");
  if (written && ::rename(temporary.c_str(), target.c_str()) != 0) written = failed("replace");
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (durability == Durability::synced) {
    DAVIT_TRY(const File folder, File::open(directory, O_RDONLY | O_DIRECTORY));
    if (::fsync(folder.descriptor()) != 0 && errno != EINVAL) return failed("sync the directory of");
  }
  return {};
}

}  // namespace davit::io
