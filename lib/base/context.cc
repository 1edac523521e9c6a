#include "base/context.h"

namespace davit {

Result<> check(const CallContext& context) {
  if (context.stop.stop_requested()) return Error{.code = Errc::cancelled, .message = "cancelled"};
  if (context.deadline && std::chrono::steady_clock::now() >= *context.deadline) {
    return Error{.code = Errc::timeout, .message = "the time allowed for the whole operation has passed"};
  }
  return {};
}

}  // namespace davit
