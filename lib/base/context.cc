#include "base/context.h"

#include <utility>

namespace davit {

Result<> check(const CallContext& context) {
  if (context.stop.stop_requested()) return Error{.code = Errc::cancelled, .message = "cancelled"};
  if (context.deadline && std::chrono::steady_clock::now() >= *context.deadline) {
    return Error{.code = Errc::timeout, .message = "the time allowed for the whole operation has passed"};
  }
  return {};
}

CallContext context_within(std::stop_token stop, std::optional<std::chrono::milliseconds> time) {
  CallContext context{.stop = std::move(stop), .deadline = {}};
  if (time) context.deadline = std::chrono::steady_clock::now() + *time;
  return context;
}

}  // namespace davit
