#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <davit/call_context.h>
#include <davit/result.h>
#include <davit/secret.h>

namespace davit::auth {

struct ProcessResult {
  int exit_status =
      0;  ///< 128 + n when a signal ended it; -1 when the host ignores SIGCHLD and nobody can know
  Secret output;
  std::string messages;  ///< the beginning of its standard error, when ProcessLimits asks for it
};

struct ProcessLimits {
  std::chrono::milliseconds time{60'000};
  std::size_t output = 256u << 10;
  std::size_t messages = 0;  ///< of its standard error; what is longer is dropped
};

/// Runs `program` (a path) with `input` as its standard input, its output taken and its messages dropped or
/// cut, and waits for it. It is killed when the time is over, the caller stops or it prints too much.
/// Works with SIGCHLD ignored, never raises SIGPIPE, hands on no descriptor, leaves no zombie. A grandchild
/// that holds on to the output is not waited for. Errors: local_io, timeout, cancelled, protocol (too much
/// output).
Result<ProcessResult> run_process(const std::string& program, const std::vector<std::string>& arguments,
                                  const Secret& input, const ProcessLimits& limits,
                                  const CallContext& context);

}  // namespace davit::auth
