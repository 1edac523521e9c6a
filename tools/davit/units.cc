#include "units.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <limits>
#include <utility>

namespace davit::tool {
namespace {

/// The number at the front of `text`, which keeps the rest.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::uint64_t> times(std::uint64_t value, std::uint64_t factor) {
  if (value > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
  return value * factor;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto value = take_number(text);
  if (!value) return std::nullopt;
  if (text.ends_with('b') || text.ends_with('B')) text.remove_suffix(1);
  if (text.empty()) return value;
  if (text == "k" || text == "K") return times(*value, 1ull << 10);
  if (text == "m" || text == "M") return times(*value, 1ull << 20);
  if (text == "g" || text == "G") return times(*value, 1ull << 30);
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = take_number(text);
  if (!value) return std::nullopt;
  std::uint64_t factor = 0;
  if (text == "ms") factor = 1;
  if (text.empty() || text == "s") factor = 1000;
  if (text == "m") factor = 60'000;
  if (text == "h") factor = 3'600'000;
  if (factor == 0) return std::nullopt;
  const auto total = times(*value, factor);
  if (!total) return std::nullopt;
  return std::chrono::milliseconds(*total);
}

std::optional<std::chrono::seconds> parse_age(std::string_view text) {
  constexpr std::uint64_t kMost = 100ull * 366 * 24 * 3600;
  constexpr std::pair<char, std::uint64_t> kUnits[] = {
      {'w', 604'800}, {'d', 86'400}, {'h', 3600}, {'m', 60}, {'s', 1}};
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto value = take_number(text);
    const auto unit = std::ranges::find(kUnits, text.empty() ? '\0' : text.front(),
                                        [](const auto& each) { return each.first; });
    if (!value || *value > kMost || unit == std::end(kUnits)) return std::nullopt;
    total += *value * unit->second;
    if (total > kMost) return std::nullopt;
    text.remove_prefix(1);
  }
  return total == 0 ? std::nullopt : std::optional(std::chrono::seconds(total));
}

std::string human_size(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 9.95 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

}  // namespace davit::tool
