#pragma once

#include <initializer_list>
#include <string>

#include <davit/log.h>

namespace davit {

class Notifier;

/// Where log records go. Copyable and cheap when off. REQUIRES: the notifier outlives every copy.
class Log {
 public:
  Log() = default;
  Log(LogLevel lowest, LogCallback callback, Notifier& notifier);

  [[nodiscard]] bool enabled(LogLevel level) const { return notifier_ != nullptr && level >= lowest_; }
  void write(LogLevel level, std::string component, std::string event,
             std::initializer_list<LogField> fields = {}) const;

 private:
  LogLevel lowest_ = LogLevel::error;
  LogCallback callback_;
  Notifier* notifier_ = nullptr;
};

}  // namespace davit
