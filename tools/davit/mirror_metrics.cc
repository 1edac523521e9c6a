#include "mirror_metrics.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::tool {
namespace {

constexpr const char* kResults[] = {"copied", "unchanged", "deleted", "failed"};

/// As label values are written: https://prometheus.io/docs/instrumenting/exposition_formats/
std::string label(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void add(std::string& out, const std::string& name, const char* type, const char* help) {
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void add_one(std::string& out, const std::string& name, const char* help, const std::string& value) {
  add(out, name, "gauge", help);
  out += name + " " + value + "\n";
}

/// Writes all of it and closes the file. False: errno says why.
bool write_and_close(int file, std::string_view text) {
  bool good = true;
  while (good && !text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    good = count > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(count));
  }
  const int why = errno;
  const bool closed = ::close(file) == 0;  // some file systems only say here that the disk is full
  if (!good) errno = why;
  return good && closed;
}

/// Behind links. Empty for one that points at nothing.
std::string real_name(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> name(::realpath(path.c_str(), nullptr), &std::free);
  return name ? std::string(name.get()) : std::string();
}

}  // namespace

void MirrorMetrics::count(const MirrorEntry& entry) {
  Target& target = targets_[entry.target];
  ++target.tags[static_cast<std::size_t>(entry.what)];
  if (entry.what == MirrorEntry::What::copied) target.bytes += entry.blobs.bytes_sent;
}

std::string MirrorMetrics::text(const MirrorTotals* totals) const {
  std::string out;
  add(out, "davit_mirror_tags", "gauge", "Tags of the last run by target and result.");
  for (const auto& [name, target] : targets_) {
    for (std::size_t i = 0; i < target.tags.size(); ++i)
      out += "davit_mirror_tags{target=\"" + label(name) + "\",result=\"" + kResults[i] + "\"} " +
             std::to_string(target.tags[i]) + "\n";
  }
  add(out, "davit_mirror_sent_bytes", "gauge", "Bytes of blobs that the last run sent to a target.");
  for (const auto& [name, target] : targets_)
    out += "davit_mirror_sent_bytes{target=\"" + label(name) + "\"} " + std::to_string(target.bytes) + "\n";
  if (totals != nullptr) {
    add_one(out, "davit_mirror_read_bytes", "Bytes of blobs that the last run read from its sources.",
            std::to_string(totals->bytes_read));
    add_one(out, "davit_mirror_requests", "Requests of the last run.", std::to_string(totals->requests));
    add_one(out, "davit_mirror_duration_seconds", "How long the last run took.",
            std::to_string(static_cast<double>(totals->took.count()) / 1000));
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  add_one(out, "davit_mirror_last_run_timestamp_seconds", "When the last run ended.",
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  add_one(out, "davit_mirror_success", "1 when nothing failed in the last run.",
          totals != nullptr && totals->failed == 0 ? "1" : "0");
  return out;
}

Result<> MirrorMetrics::write(const std::string& path, const std::string& text) {
  const auto failed = [&](const char* what) {
    return Error{.code = Errc::local_io,
                 .message = std::string(what) + " " + path + ": " + std::strerror(errno)};
  };
  struct stat there = {};
  const bool exists = ::lstat(path.c_str(), &there) == 0;
  const std::string place = exists ? real_name(path) : path;
  if (exists && (place.empty() || ::stat(place.c_str(), &there) != 0 || !S_ISREG(there.st_mode))) {
    // A device or a pipe takes what is written; a link that points at nothing gets its file.
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
    return file >= 0 && write_and_close(file, text) ? Result<>() : failed("write");
  }
  const std::string temporary = place + ".davit-tmp-" + std::to_string(::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return failed("write");
  const auto given_up = [&](const char* what) {
    Error error = failed(what);
    ::unlink(temporary.c_str());
    return error;
  };
  // Whoever may read what is there may go on reading it.
  if (exists) {
    const bool whose = ::fchown(file, there.st_uid, there.st_gid) == 0 || errno == EPERM;
    if (!whose || ::fchmod(file, there.st_mode & 0777) != 0) {
      const Error error = given_up("keep the mode of");
      ::close(file);
      return error;
    }
  }
  if (!write_and_close(file, text)) return given_up("write");
  if (std::rename(temporary.c_str(), place.c_str()) != 0) return given_up("replace");
  return {};
}

}  // namespace davit::tool
