#include "registry/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/ascii.h"

namespace davit::registry {
namespace {

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

std::string_view take_digits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// A token or quoted string at the front; backslashes quote inside the latter.
std::optional<std::string> take_word(std::string_view& text) {
  std::string out;
  if (!take(text, "\"")) {
    const std::size_t count = std::min(text.find_first_of(" \t;,=\""), text.size());
    out = text.substr(0, count);
    text.remove_prefix(count);
    return out;
  }
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    out += text.front();
    text.remove_prefix(1);
  }
  if (!take(text, "\"")) return {};
  return out;
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || parsed.ec != std::errc{} ||
      parsed.ptr != text.data() + text.size())
    return {};
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {};
  return value;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  if (value.size() < 6 || !same_but_case(value.substr(0, 5), "bytes") || value[5] != ' ') return {};
  value.remove_prefix(6);
  skip_blanks(value);
  const auto first = parse_decimal(take_digits(value));
  if (!first || !take(value, "-")) return {};
  const auto last = parse_decimal(take_digits(value));
  if (!last || *last < *first || !take(value, "/")) return {};
  ContentRange range{*first, *last, {}};
  if (value == "*") return range;
  range.total = parse_decimal(value);
  if (!range.total || *range.total <= *last) return {};
  return range;
}

std::optional<std::uint64_t> parse_stored_range(std::string_view value) {
  if (!take(value, "bytes=")) take(value, "bytes ");
  const auto first = parse_decimal(take_digits(value));
  if (first != 0u || !take(value, "-")) return {};
  const auto last = parse_decimal(value);
  if (!last) return {};
  return *last == 0 ? 0 : *last + 1;
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 29 || text[3] != ',' || text[4] != ' ' || !text.ends_with(" GMT")) return {};
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') return {};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::ranges::find(kMonths, text.substr(8, 3));
  const auto number_at = [&](std::size_t offset, std::size_t count) {
    return parse_decimal(text.substr(offset, count));
  };
  const auto d = number_at(5, 2), y = number_at(12, 4), h = number_at(17, 2), m = number_at(20, 2),
             s = number_at(23, 2);
  if (found == kMonths.end() || !d || !y || !h || !m || !s || *h > 23 || *m > 59 || *s > 60) return {};
  const year_month_day date{year(static_cast<int>(*y)),
                            month(static_cast<unsigned>(found - kMonths.begin() + 1)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok()) return {};
  return sys_seconds(sys_days(date)) + hours(*h) + minutes(*m) + seconds(*s);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  constexpr std::uint64_t kLongest = 86'400;  // what is beyond a day is beyond every limit
  if (const auto number = parse_decimal(value)) return seconds(std::min(*number, kLongest));
  const auto date = parse_http_date(value);
  if (!date) return {};
  // In seconds, for a clock that counts nanoseconds ends in 2262.
  return std::clamp<seconds>(*date - floor<seconds>(now), seconds(0), seconds(kLongest));
}

std::optional<Counted> parse_counted(std::string_view value) {
  const auto count = parse_decimal(take_digits(value));
  if (!count || !take(value, ";w=")) return {};
  const auto window = parse_decimal(value);
  constexpr std::uint64_t kLongest = std::uint64_t{366} * 86'400;
  if (!window || *window == 0 || *window > kLongest) return {};
  return Counted{*count, std::chrono::seconds(*window)};
}

std::string parse_next_link(std::string_view value) {
  while (true) {
    skip_blanks(value);
    if (take(value, ",")) continue;
    if (!take(value, "<")) return {};
    const std::size_t end = value.find('>');
    if (end == std::string_view::npos) return {};
    const std::string_view target = value.substr(0, end);
    value.remove_prefix(end + 1);
    bool next = false;
    for (skip_blanks(value); take(value, ";"); skip_blanks(value)) {
      skip_blanks(value);
      const auto name = take_word(value);
      skip_blanks(value);
      std::optional<std::string> text = "";
      if (take(value, "=")) {
        skip_blanks(value);
        text = take_word(value);
      }
      if (!name || !text) return {};
      if (!same_but_case(*name, "rel")) continue;
      for (std::string_view rest = *text;
           !rest.empty();) {  // several relations in one value are separated by spaces
        const std::string_view each = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(each.size() + 1, rest.size()));
        next = next || same_but_case(each, "next");
      }
    }
    if (next) return std::string(target);
    if (!value.starts_with(",")) return {};
  }
}

std::string parse_warning(std::string_view value) {
  if (!take(value, "299 ")) return {};
  const std::size_t agent = value.find(' ');
  if (agent == std::string_view::npos) return {};
  value.remove_prefix(agent + 1);
  if (!value.starts_with('"')) return {};
  return take_word(value).value_or("");
}

}  // namespace davit::registry
