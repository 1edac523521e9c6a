#pragma once

#include <stop_token>
#include <thread>

namespace davit::tool {

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request. A second one kills at once. Whoever can end gently
/// asks for the first SIGTERM as a request of its own, and goes on without a stop request then. After
/// cleaning up, end_by_signal() ends the process the way the signal would have, so that a shell sees it.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }
  /// From now on SIGTERM stops this instead.
  [[nodiscard]] std::stop_token gentle_stop() const;
  /// Does not return when a signal came.
  void end_by_signal() const;

 private:
  std::stop_source stop_;
  std::stop_source gentle_;
  std::thread watcher_;
};

}  // namespace davit::tool
