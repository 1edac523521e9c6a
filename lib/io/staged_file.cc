#include "io/staged_file.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/try.h"
#include "io/file_lock.h"

namespace davit::io {
namespace {

constexpr std::string_view kTemporary = ".tmp-";
constexpr int kTries = 100;  // against names that vanish between two calls

std::string random_suffix() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(Clock::system().random() * 256);
  }
  std::string out(kTemporary);
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

/// Without `of`, of anything.
bool is_temporary_of(std::string_view name, std::string_view of) {
  constexpr std::size_t kLength = kTemporary.size() + 16;
  if (name.size() <= kLength || !name.substr(name.size() - kLength).starts_with(kTemporary)) return false;
  return of.empty() || name.substr(0, name.size() - kLength) == of;
}

/// Whether `name` still leads to the open file: somebody may have renamed or removed it before we had the
/// lock.
bool leads_to(const Folder& folder, const std::string& name, const struct stat& open) {
  struct stat named {};
  return ::fstatat(folder.file().descriptor(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

}  // namespace

Result<std::unique_ptr<StagedFile>> StagedFile::claim(std::shared_ptr<const Folder> folder,
                                                      const std::string& name) {
  for (int i = 0; i < kTries; ++i) {
    DAVIT_TRY(File file, File::open_at(folder->file(), name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (::fstat(file.descriptor(), &status) != 0) return errno_error("stat " + folder->shown(name), errno);
    if (!S_ISREG(status.st_mode))
      return make_error(Errc::denied, folder->shown(name) + " is not a regular file");
    DAVIT_TRY(const LockAttempt lock, try_lock(file));
    if (lock != LockAttempt::locked) return std::unique_ptr<StagedFile>();
    if (::fstat(file.descriptor(), &status) != 0 || !leads_to(*folder, name, status)) continue;
    if (status.st_nlink > 1) {  // it is somebody's file under another name too; writing would change that
      ::unlinkat(folder->file().descriptor(), name.c_str(), 0);
      continue;
    }
    return std::unique_ptr<StagedFile>(new StagedFile(std::move(folder), name, std::move(file), false));
  }
  return make_error(Errc::local_io, "open " + folder->shown(name) + ": it keeps changing");
}

Result<std::unique_ptr<StagedFile>> StagedFile::temporary(std::shared_ptr<const Folder> folder,
                                                          const std::string& name) {
  for (int i = 0; i < kTries; ++i) {
    std::string own = name + random_suffix();
    auto file = File::open_at(folder->file(), own, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file) return file.error().with_context(folder->shown(""));
    // A sweep may have come between the two calls. Where there are no locks, nobody sweeps.
    DAVIT_TRY(const LockAttempt lock, try_lock(*file));
    struct stat status {};
    if (lock == LockAttempt::held || ::fstat(file->descriptor(), &status) != 0 ||
        !leads_to(*folder, own, status)) {
      ::unlinkat(folder->file().descriptor(), own.c_str(), 0);
      continue;
    }
    return std::unique_ptr<StagedFile>(
        new StagedFile(std::move(folder), std::move(own), *std::move(file), true));
  }
  return make_error(Errc::local_io, "create a file in " + folder->shown("") + ": it keeps vanishing");
}

void StagedFile::sweep(const Folder& folder, std::string_view wanted, std::chrono::seconds age) {
  const auto names = folder.names();
  if (!names) return;
  const auto oldest = Clock::system().wall() - age;
  for (const std::string& name : *names) {
    const bool temporary = is_temporary_of(name, wanted);
    if (!temporary && !wanted.empty() && name != wanted) continue;
    const auto file = File::open_at(folder.file(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (!file || ::fstat(file->descriptor(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const auto written = std::chrono::system_clock::from_time_t(status.st_mtime);
    if (!temporary && written > oldest) continue;
    const auto lock = try_lock(*file);
    if (lock && *lock == LockAttempt::locked && leads_to(folder, name, status))
      ::unlinkat(folder.file().descriptor(), name.c_str(), 0);
  }
}

StagedFile::~StagedFile() {
  if (!published_ && (!keep_ || temporary_ || full_)) remove();
}

void StagedFile::remove() {
  if (!removed_.exchange(true)) ::unlinkat(folder_->file().descriptor(), name_.c_str(), 0);
}

Error StagedFile::failed(const char* step, int saved_errno) {
  if (is_disk_full(saved_errno)) {
    full_ = true;
    remove();
  }
  return errno_error(std::string(step) + " " + shown(), saved_errno);
}

Result<> StagedFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  const int error = file_.try_write_at(offset, bytes);
  if (error != 0) return failed("write", error);
  return {};
}

Result<> StagedFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  const auto count = file_.read_at(offset, into);
  if (!count) return count.error().with_context(shown());
  if (*count != into.size()) return make_error(Errc::corrupt, shown() + " is shorter than it was");
  return {};
}

Result<> StagedFile::truncate(std::uint64_t size) {
  while (::ftruncate(file_.descriptor(), static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return failed("resize", errno);
  }
  return {};
}

Result<> StagedFile::publish(const Folder& into, const std::string& name, Durability durability) {
  if (removed_) return make_error(Errc::local_io, shown() + " was given up when the disk was full");
  if (durability == Durability::synced && ::fsync(file_.descriptor()) != 0) return failed("sync", errno);
  if (::renameat(folder_->file().descriptor(), name_.c_str(), into.file().descriptor(), name.c_str()) != 0)
    return errno_error("rename " + shown() + " to " + into.shown(name), errno);
  published_ = true;
  if (durability == Durability::synced) DAVIT_TRY_VOID(into.sync());
  return {};
}

}  // namespace davit::io
