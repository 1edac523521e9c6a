#pragma once

#include <chrono>
#include <string>

#include <davit/export.h>

namespace davit {

/// A date and time as documents have it: "2024-05-01T12:00:00Z".
DAVIT_EXPORT std::string format_timestamp(std::chrono::sys_seconds time);

}  // namespace davit
