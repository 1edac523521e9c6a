#include "undo_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include <unistd.h>

#include <davit/timestamp.h>

namespace davit::tool {
namespace {

constexpr std::size_t kLongestLine = 16u << 20;

std::string default_name() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string time;
  for (const char c : format_timestamp(now)) {
    if (c != '-' && c != ':') time += c;
  }
  return "davit-undo-" + time + ".jsonl";
}

}  // namespace

UndoFile::UndoFile(std::string path) : path_(path.empty() ? default_name() : std::move(path)) {}

UndoFile::~UndoFile() {
  if (file_ != nullptr) std::fclose(file_);  // every line is on the disk already
}

Result<> UndoFile::add(const PruneRecord& record) {
  const std::lock_guard lock(mutex_);
  const auto failed = [&] {
    return Error{.code = Errc::local_io,
                 .message = "nothing is deleted without a record, and " + path_ +
                            " cannot be written: " + std::strerror(errno),
                 .hint = "--undo-record FILE says where else it can be"};
  };
  if (file_ == nullptr) file_ = std::fopen(path_.c_str(), "ae");
  if (file_ == nullptr) return failed();
  const std::string line = to_json_line(record) + "\n";
  const bool good = std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
  if (!good || (::fsync(::fileno(file_)) != 0 && errno != EINVAL && errno != EROFS)) return failed();
  return {};
}

std::string UndoFile::written_to() const {
  const std::lock_guard lock(mutex_);
  return file_ == nullptr ? std::string() : path_;
}

Result<std::vector<PruneRecord>> read_undo_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{.code = Errc::local_io, .message = "open " + path + ": " + std::strerror(errno)};
  std::vector<PruneRecord> out;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    auto record = line.size() > kLongestLine
                      ? Result<PruneRecord>(Error{.code = Errc::corrupt, .message = "too long for a record"})
                      : parse_prune_record(line);
    if (!record) {
      Error error = record.error().with_context(path + ":" + std::to_string(number));
      error.hint = "mirror --prune writes such files, one JSON object for each tag";
      return error;
    }
    out.push_back(*std::move(record));
  }
  if (file.bad())
    return Error{.code = Errc::local_io, .message = "read " + path + ": " + std::strerror(errno)};
  if (out.empty()) return Error{.code = Errc::corrupt, .message = path + ": no record in it"};
  return out;
}

}  // namespace davit::tool
