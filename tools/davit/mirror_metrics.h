#pragma once

#include <array>
#include <map>
#include <string>

#include <davit/mirror.h>

namespace davit::tool {

/// The figures of a run in Prometheus's text format, for the node exporter's textfile collector or a
/// Pushgateway.
class MirrorMetrics {
 public:
  void count(const MirrorEntry& entry);
  /// `totals` is null where the run broke off.
  [[nodiscard]] std::string text(const MirrorTotals* totals) const;
  /// Replaces the file, or the one that a link points at, in one step, and keeps its mode; a device or a pipe
  /// is written to. Errors: local_io.
  static Result<> write(const std::string& path, const std::string& text);

 private:
  struct Target {
    std::array<std::uint64_t, 4> tags{};  ///< by MirrorEntry::What
    std::uint64_t bytes = 0;
  };
  std::map<std::string, Target> targets_;
};

}  // namespace davit::tool
