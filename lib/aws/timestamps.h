#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace davit::aws {

/// "2026-01-15T12:00:00Z".
std::string format_iso8601(std::chrono::system_clock::time_point time);

/// The forms in which AWS tools write an instant: "2026-01-15T12:00:00Z", with a fraction, with an offset
/// ("+00:00", "+0000"), or with "UTC" at the end. Years 1970 to 2199.
std::optional<std::chrono::system_clock::time_point> parse_iso8601(std::string_view text);

}  // namespace davit::aws
