#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include <davit/content.h>

namespace davit::client {

/// The limits of a whole call, whose time begins now.
inline CallContext context_of(const std::stop_token& stop, std::optional<std::chrono::milliseconds> timeout) {
  CallContext context{.stop = stop, .deadline = {}};
  if (timeout) context.deadline = std::chrono::steady_clock::now() + *timeout;
  return context;
}

}  // namespace davit::client
