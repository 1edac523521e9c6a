#include "auth/secret_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::auth {
namespace {

namespace fs = std::filesystem;

/// The place a chain of links leads to, whether or not something is there yet.
Result<fs::path> follow(fs::path path) {
  std::error_code error;
  for (int links = 0; links < 40; ++links) {
    if (!fs::is_symlink(path, error)) return path;
    const fs::path target = fs::read_symlink(path, error);
    if (error) return errno_error("read link " + escaped(path.string()), error.value());
    path = path.parent_path() / target;  // an absolute target replaces the rest
  }
  return errno_error("open " + escaped(path.string()), ELOOP);
}

Result<> make_directories(const fs::path& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || !path.has_relative_path())
    return errno_error("make directory " + escaped(path.string()), errno);
  DAVIT_TRY_VOID(make_directories(path.parent_path()));
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return errno_error("make directory " + escaped(path.string()), errno);
}

Result<> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return errno_error("sync", errno);
  return {};
}

}  // namespace

Result<SecretFile> SecretFile::lock(const std::string& path, const CallContext& context) {
  DAVIT_TRY(const fs::path file, follow(path));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  DAVIT_TRY_VOID(make_directories(folder));
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno_error("open " + escaped(folder.string()), errno);
  SecretFile held(file.string(), directory);
  while (::flock(directory, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) break;  // a file system without locks: the replacement is atomic all the same
    DAVIT_TRY_VOID(Clock::system().sleep_for(std::chrono::milliseconds(10), context));
  }
  return held;
}

SecretFile::SecretFile(SecretFile&& other) noexcept
    : path_(std::move(other.path_)), directory_(std::exchange(other.directory_, -1)) {}

SecretFile::~SecretFile() {
  if (directory_ >= 0) ::close(directory_);
}

Result<> SecretFile::replace(std::string_view text) const {
  const fs::path target(path_);
  const std::string name = target.filename().string();
  std::random_device random;
  const std::string temporary = "." + name + "." + std::to_string(random()) + ".tmp";
  const int fd =
      ::openat(directory_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("write " + escaped(path_), errno);
  struct stat old {};
  if (::fstatat(directory_, name.c_str(), &old, 0) == 0 && old.st_uid != ::geteuid()) {
    // Changed with more rights than its owner has, it stays the owner's; without them this cannot work and
    // need not.
    static_cast<void>(::fchown(fd, old.st_uid, old.st_gid) == 0);
  }
  Result<> done = ::fchmod(fd, 0600) == 0 ? write_all(fd, text) : errno_error("protect", errno);
  if (::close(fd) != 0 && done) done = errno_error("close", errno);
  if (done && ::renameat(directory_, temporary.c_str(), directory_, name.c_str()) != 0)
    done = errno_error("rename", errno);
  if (!done) {
    ::unlinkat(directory_, temporary.c_str(), 0);
    return done.error().with_context("write " + escaped(path_));
  }
  ::fsync(directory_);
  return {};
}

}  // namespace davit::auth
