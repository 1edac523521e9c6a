#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include <davit/call_context.h>
#include <davit/result.h>

namespace davit {

/// `cancelled` when the caller asked to stop, `timeout` when the deadline has passed, else success.
Result<> check(const CallContext& context);

/// A call that begins now and has so much time; none: any.
CallContext context_within(std::stop_token stop, std::optional<std::chrono::milliseconds> time);

}  // namespace davit
