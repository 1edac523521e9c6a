#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include <davit/transfer.h>

namespace davit::tool {

enum class ProgressStyle { none, plain, bar, json };

/// Shows a transfer on stderr: bars on a terminal, a line now and then elsewhere, or one JSON event per line.
/// Polled by the command's own thread; not thread-safe.
class ProgressLine {
 public:
  /// `what` is done with the blobs: "send", "fetch", "write".
  ProgressLine(ProgressStyle style, std::string what);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(const Progress& progress);
  void note(const std::string& text);
  /// The last word, with what arrived and what did not.
  void finish(const std::vector<Delivery>& deliveries);
  /// What went wrong, of `destination` or of everything. Told in every style.
  void failed(const Error& error, const std::string& destination = {});

 private:
  using Time = std::chrono::steady_clock::time_point;

  void announce(const Progress& progress);
  void draw(const Progress& progress);
  void erase();
  [[nodiscard]] std::string rate(const Progress& progress);

  const ProgressStyle style_;
  const std::string what_;
  const Time begun_ = std::chrono::steady_clock::now();
  Time last_ = begun_;
  bool announced_ = false;
  std::size_t drawn_lines_ = 0;
  std::deque<std::pair<Time, std::uint64_t>> samples_;  // the last few seconds, for the rate
};

}  // namespace davit::tool
