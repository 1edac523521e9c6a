#include "mirror_metrics.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

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
  const std::string temporary = path + ".davit-tmp-" + std::to_string(::getpid());
  const auto failed = [&](const std::string& what) {
    Error error{.code = Errc::local_io, .message = what + " " + path + ": " + std::strerror(errno)};
    ::unlink(temporary.c_str());
    return error;
  };
  std::FILE* file = std::fopen(temporary.c_str(), "wxe");
  if (file == nullptr) return failed("write");
  const bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (const bool closed = std::fclose(file) == 0; !good || !closed) return failed("write");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed("replace");
  return {};
}

}  // namespace davit::tool
