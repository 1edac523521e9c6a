#include "undo_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <davit/timestamp.h>

namespace davit::tool {
namespace {

constexpr std::size_t kLongestLine = 16u << 20;
constexpr const char* kBegin = R"({"repository":)";  ///< of each line

std::string default_name() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string time;
  for (const char c : format_timestamp(now)) {
    if (c != '-' && c != ':') time += c;
  }
  return "davit-undo-" + time + ".jsonl";
}

/// Nothing for what has no size, such as a pipe.
std::optional<off_t> size_of(int file) {
  struct stat status = {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return status.st_size;
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

UndoFile::UndoFile(std::string path) : path_(path.empty() ? default_name() : std::move(path)) {}

UndoFile::~UndoFile() {
  if (file_ >= 0) ::close(file_);  // every line is on the disk already
}

Error UndoFile::failed() const {
  return {.code = Errc::local_io,
          .message = "nothing is deleted without a record, and " + path_ +
                     " cannot be written: " + std::strerror(errno),
          .hint = "--undo-record FILE says where else it can be"};
}

Result<> UndoFile::open() {
  if (file_ >= 0) return {};
  file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0)
    file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);  // a pipe, a file without reading
  if (file_ < 0) return failed();
  auto mended = mend();
  if (mended) return {};
  ::close(file_);
  file_ = -1;
  return mended;
}

Result<> UndoFile::mend() {
  const auto size = size_of(file_);
  if (!size || *size == 0) return {};
  std::string tail(static_cast<std::size_t>(std::min<off_t>(*size, kLongestLine)), '\0');
  const ssize_t got = ::pread(file_, tail.data(), tail.size(), *size - static_cast<off_t>(tail.size()));
  if (got != static_cast<ssize_t>(tail.size())) return errno == EBADF ? Result<>() : failed();
  const auto line = tail.rfind('\n');
  tail.erase(0, line == std::string::npos ? 0 : line + 1);
  if (tail.empty()) return {};
  if (parse_prune_record(tail)) return write_all(file_, "\n") ? Result<>() : failed();
  const std::string_view begin = std::string_view(kBegin).substr(0, tail.size());
  if (!tail.starts_with(begin))
    return Error{.code = Errc::local_io,
                 .message = path_ + " ends with a line that is no record of what was deleted",
                 .hint = "--undo-record wants a file of its own"};
  return ::ftruncate(file_, *size - static_cast<off_t>(tail.size())) == 0 ? Result<>() : failed();
}

Result<> UndoFile::add(const PruneRecord& record) {
  const std::lock_guard lock(mutex_);
  if (auto opened = open(); !opened) return opened;
  const auto before = size_of(file_);
  const bool whole = write_all(file_, to_json_line(record) + "\n");
  if (whole && (::fsync(file_) == 0 || errno == EINVAL || errno == EROFS)) return {};
  const Error error = failed();
  // What cannot be taken back is passed over when the file is read.
  if (before && ::ftruncate(file_, *before) == 0) ::fsync(file_);
  return error;
}

std::string UndoFile::written_to() const {
  const std::lock_guard lock(mutex_);
  return file_ < 0 ? std::string() : path_;
}

Result<UndoRecords> read_undo_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{.code = Errc::local_io, .message = "open " + path + ": " + std::strerror(errno)};
  UndoRecords out;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    auto record = line.size() > kLongestLine
                      ? Result<PruneRecord>(Error{.code = Errc::corrupt, .message = "too long for a record"})
                      : parse_prune_record(line);
    // Only what was never finished has no end: its tag was not deleted.
    if (!record && file.eof()) {
      out.note = path + ":" + std::to_string(number) + ": the last line was cut, and is passed over";
      break;
    }
    if (!record) {
      Error error = record.error().with_context(path + ":" + std::to_string(number));
      error.hint = "mirror --prune writes such files, one JSON object for each tag";
      return error;
    }
    out.records.push_back(*std::move(record));
  }
  if (file.bad())
    return Error{.code = Errc::local_io, .message = "read " + path + ": " + std::strerror(errno)};
  if (out.records.empty()) return Error{.code = Errc::corrupt, .message = path + ": no record in it"};
  return out;
}

}  // namespace davit::tool
