#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::tool {

/// "20M", "512K", "1G", "4096": K, M and G are powers of 1024. Empty when it is nothing of the kind.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// "30s", "5m", "1h", "250ms"; a bare number is seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "30d", "12h", "1d12h": w, d, h, m and s. Empty when it is nothing of the kind, or no time at all.
std::optional<std::chrono::seconds> parse_age(std::string_view text);

/// "3.1 GB", for people: powers of 1000.
std::string human_size(std::uint64_t bytes);

}  // namespace davit::tool
