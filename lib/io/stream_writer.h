#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <davit/call_context.h>
#include <davit/result.h>

#include "io/file.h"

namespace davit::io {

/// Writes to something that may not be a file: standard output, a pipe, a socket. A reader that is slow or
/// stands still holds up the writer, but not its stop token; one that goes away is an error and no signal.
/// One thread at a time.
class StreamWriter {
 public:
  /// `name` is for messages: "standard output".
  StreamWriter(File file, std::string name);

  /// All of it. Errors: local_io; cancelled, timeout.
  Result<> write(std::span<const std::byte> bytes, const CallContext& context);
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  File file_;
  std::string name_;
  std::size_t step_;  // what a write takes without waiting once there is room
};

}  // namespace davit::io
