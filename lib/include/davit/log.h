#pragma once

#include <functional>
#include <string>
#include <vector>

namespace davit {

enum class LogLevel { trace, debug, info, warning, error };

struct LogField {
  std::string name;
  std::string value;
};

/// One thing that happened: a short lower-case event, values in the fields. Never holds a secret: URLs are
/// redacted.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string component;  ///< the room it comes from: "net", "registry", "transfer"
  std::string event;
  std::vector<LogField> fields;
};

/// Called on one thread of the client's own, in order, with no lock held. Must not throw.
using LogCallback = std::function<void(const LogRecord&)>;

}  // namespace davit
