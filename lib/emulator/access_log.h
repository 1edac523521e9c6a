#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// One line of the access log.
struct Access {
  enum class Port { registry, tokens, store, api };
  Port port = Port::registry;
  std::size_t connection = 0;
  std::string method;
  std::string target;  ///< raw
  Headers headers;
  int status = 0;
  Headers answer_headers;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::string operation = {};                ///< of an AWS API: "PutImage", "AssumeRole"; else empty
  std::chrono::microseconds answered_in{0};  ///< from the request's head to the answer's

  /// A request header; "" when absent.
  [[nodiscard]] std::string header(std::string_view name) const;
};

struct AccessLogOptions {
  /// Called with each line when its answer has gone out, on the thread of the connection; may be empty.
  std::function<void(const Access&)> on_line = {};
  /// So many of the newest lines are kept. A line holds all headers.
  std::size_t kept = 50'000;
};

/// What all listeners of an emulator were asked. Thread-safe.
class AccessLog {
 public:
  explicit AccessLog(AccessLogOptions options = {}) : options_(std::move(options)) {}

  /// For the listener of `port`, which must not outlive this log.
  HttpServer::Logger logger(Access::Port port);

  /// In the order of the answers; with a method or a target's beginning, only those.
  [[nodiscard]] std::vector<Access> lines(std::string_view method = {}, std::string_view target = {}) const;
  [[nodiscard]] std::vector<Access> lines(Access::Port port) const;
  void clear();

 private:
  struct Line {
    Access access;
    std::shared_ptr<Tally> tally;  ///< shared with the connection that sends the answer
    [[nodiscard]] Access now() const;
  };

  const AccessLogOptions options_;
  mutable Mutex mutex_;
  std::deque<Line> lines_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::emulator
