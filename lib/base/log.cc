#include "base/log.h"

#include "base/notifier.h"

namespace davit {

Log::Log(LogLevel lowest, LogCallback callback, Notifier& notifier)
    : lowest_(lowest), callback_(std::move(callback)), notifier_(callback_ ? &notifier : nullptr) {}

void Log::write(LogLevel level, std::string component, std::string event,
                std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  notifier_->offer([callback = callback_, record = LogRecord{level, std::move(component), std::move(event),
                                                             fields}] { callback(record); });
}

}  // namespace davit
