#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <davit/result.h>
#include <davit/timestamp.h>

namespace davit::model {

/// A date and time as RFC 3339 writes it ("2024-05-01T12:00:00Z", "2024-05-01 14:00:00.25+02:00"), or a date
/// alone, which is its first second in UTC. Fractions of a second are dropped. Errors: invalid_argument.
Result<std::chrono::sys_seconds> parse_timestamp(std::string_view text);

using davit::format_timestamp;

}  // namespace davit::model
