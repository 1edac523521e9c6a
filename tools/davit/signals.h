#pragma once

#include <stop_token>
#include <thread>

namespace davit::tool {

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request. A second one kills at once. After cleaning up,
/// end_by_signal() ends the process the way the signal would have, so that a shell sees it.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }
  /// Does not return when a signal came.
  void end_by_signal() const;

 private:
  std::stop_source stop_;
  std::thread watcher_;
};

}  // namespace davit::tool
