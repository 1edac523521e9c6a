#include "aws/timestamps.h"

#include <algorithm>

#include "base/ascii.h"

namespace davit::aws {
namespace {

using namespace std::chrono;

/// Takes exactly `count` digits and, behind them, `after` (0: nothing).
std::optional<int> take(std::string_view& text, std::size_t count, char after) {
  if (text.size() < count || !std::ranges::all_of(text.substr(0, count), is_digit)) return {};
  int value = 0;
  for (const char c : text.substr(0, count)) value = value * 10 + (c - '0');
  text.remove_prefix(count);
  if (after == 0) return value;
  if (text.empty() || text.front() != after) return {};
  text.remove_prefix(1);
  return value;
}

/// What stands behind the seconds: a fraction, which is dropped, and the zone.
std::optional<seconds> take_zone(std::string_view text) {
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (text.empty() || !is_digit(text.front())) return {};
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  }
  if (text == "Z" || text == "z" || text == "UTC") return seconds(0);
  if (text.size() < 5 || (text.front() != '+' && text.front() != '-')) return {};
  const bool behind = text.front() == '-';
  text.remove_prefix(1);
  const auto h = take(text, 2, text.size() == 5 ? ':' : '\0');
  const auto m = take(text, 2, 0);
  if (!h || !m || !text.empty() || *h > 23 || *m > 59) return {};
  const seconds offset = hours(*h) + minutes(*m);
  return behind ? -offset : offset;
}

std::string padded(int value, std::size_t width) {
  const std::string digits = std::to_string(value);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

}  // namespace

std::string format_iso8601(system_clock::time_point time) {
  const auto whole = floor<seconds>(time);
  const auto day = floor<days>(whole);
  const year_month_day date(day);
  const hh_mm_ss clock(whole - day);
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.month())), 2) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.day())), 2) + "T" +
         padded(static_cast<int>(clock.hours().count()), 2) + ":" +
         padded(static_cast<int>(clock.minutes().count()), 2) + ":" +
         padded(static_cast<int>(clock.seconds().count()), 2) + "Z";
}

std::optional<system_clock::time_point> parse_iso8601(std::string_view text) {
  const auto y = take(text, 4, '-');
  const auto mo = y ? take(text, 2, '-') : std::nullopt;
  const auto d = mo ? take(text, 2, 'T') : std::nullopt;
  const auto h = d ? take(text, 2, ':') : std::nullopt;
  const auto mi = h ? take(text, 2, ':') : std::nullopt;
  const auto s = mi ? take(text, 2, 0) : std::nullopt;
  if (!s || *h > 23 || *mi > 59 || *s > 60) return {};
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)), day(static_cast<unsigned>(*d))};
  const auto zone = take_zone(text);
  if (!date.ok() || !zone) return {};
  const sys_seconds instant = sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s) - *zone;
  if (instant < sys_days() || instant >= sys_days(year(2200) / 1 / 1)) return {};
  return instant;
}

}  // namespace davit::aws
