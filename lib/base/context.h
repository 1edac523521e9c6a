#pragma once

#include <davit/call_context.h>
#include <davit/result.h>

namespace davit {

/// `cancelled` when the caller asked to stop, `timeout` when the deadline has passed, else success.
Result<> check(const CallContext& context);

}  // namespace davit
