#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

namespace davit {

/// What every call that can block is told: when to give up. A stopped or overdue call returns `cancelled` or
/// `timeout` within one second.
struct CallContext {
  std::stop_token stop;
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

}  // namespace davit
