#include "io/folder.h"

#include <cerrno>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::io {
namespace {

constexpr mode_t kMode = 0777;

/// "a/b" for "a/b/c/"; "." for "a", "/" for "/a".
std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  path.resize(slash);
  while (path.ends_with('/')) path.pop_back();
  return path.empty() ? "/" : path;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<std::shared_ptr<const Folder>> Folder::open(const std::string& path) {
  DAVIT_TRY(File file, File::open(path, O_RDONLY | O_DIRECTORY));
  return std::shared_ptr<const Folder>(new Folder(std::move(file), path));
}

Result<std::shared_ptr<const Folder>> Folder::make(const std::string& path, Durability durability) {
  std::vector<std::string> missing;  // innermost first
  for (std::string at = path; !is_directory(at); at = parent_of(at)) {
    missing.push_back(at);
    if (at == "." || at == "/") break;
  }
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    if (::mkdir(next->c_str(), kMode) != 0 && errno != EEXIST)
      return errno_error("make the directory " + escaped(*next, 400), errno);
    if (durability == Durability::unsynced) continue;
    DAVIT_TRY(const auto above, open(parent_of(*next)));
    DAVIT_TRY_VOID(above->sync());
  }
  return open(path);
}

Result<std::shared_ptr<const Folder>> Folder::make_below(const std::string& name,
                                                         Durability durability) const {
  constexpr int kTries = 100;  // another process may remove an empty one between the two steps
  for (int i = 0;; ++i) {
    const bool made = ::mkdirat(file_.descriptor(), name.c_str(), kMode) == 0;
    if (!made && errno != EEXIST) return errno_error("make the directory " + shown(name), errno);
    if (made && durability == Durability::synced) DAVIT_TRY_VOID(sync());
    auto opened = File::open_at(file_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (opened) return std::shared_ptr<const Folder>(new Folder(*std::move(opened), path_ + "/" + name));
    struct stat status {};
    const bool there = ::fstatat(file_.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there && i < kTries) continue;
    if (there && !S_ISDIR(status.st_mode))
      return make_error(Errc::denied, shown(name) + " is not a plain directory");
    return std::move(opened).error();
  }
}

std::string Folder::shown(const std::string& name) const {
  return escaped(path_.ends_with('/') ? path_ + name : path_ + "/" + name, 400);
}

Result<std::vector<std::string>> Folder::names() const {
  DAVIT_TRY(File own, File::open_at(file_, ".", O_RDONLY | O_DIRECTORY));
  struct Close {
    void operator()(DIR* list) const { ::closedir(list); }
  };
  const int descriptor = ::fcntl(own.descriptor(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, Close> list(descriptor < 0 ? nullptr : ::fdopendir(descriptor));
  if (!list) {
    const int why = errno;
    if (descriptor >= 0) ::close(descriptor);
    return errno_error("read the directory " + escaped(path_, 400), why);
  }
  std::vector<std::string> out;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(list.get());
    if (entry == nullptr && errno != 0)
      return errno_error("read the directory " + escaped(path_, 400), errno);
    if (entry == nullptr) return out;
    std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(std::move(name));
  }
}

Result<> Folder::sync() const {
  if (::fsync(file_.descriptor()) == 0 || errno == EINVAL)
    return {};  // some file systems sync no directories
  return errno_error("sync the directory " + escaped(path_, 400), errno);
}

bool Folder::is_gone() const {
  struct stat status {};
  return ::fstat(file_.descriptor(), &status) == 0 && status.st_nlink == 0;
}

}  // namespace davit::io
