#include "model/timestamp.h"

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/escape.h"

namespace davit::model {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Takes fixed digits and characters from the front of a text; once something does not fit, nothing does.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    if (left_.size() < digits) return fail();
    for (std::size_t i = 0; i < digits; ++i) {
      if (left_[i] < '0' || left_[i] > '9') return fail();
      value = value * 10 + (left_[i] - '0');
    }
    left_.remove_prefix(digits);
    return value;
  }
  char one_of(std::string_view choices) {
    if (left_.empty() || choices.find(left_.front()) == std::string_view::npos)
      return static_cast<char>(fail());
    const char found = left_.front();
    left_.remove_prefix(1);
    return found;
  }
  void skip_fraction() {
    if (left_.empty() || left_.front() != '.') return;
    const auto end = left_.find_first_not_of("0123456789", 1);
    if (end == 1 || left_.size() == 1) {
      fail();
      return;
    }
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end);
  }
  [[nodiscard]] bool ended() const { return left_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

 private:
  int fail() {
    good_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool good_ = true;
};

std::optional<sys_seconds> read(std::string_view text) {
  Reader reader(text);
  const int year = reader.number(4);
  reader.one_of("-");
  const int month = reader.number(2);
  reader.one_of("-");
  const int day = reader.number(2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!reader.good() || !date.ok()) return std::nullopt;
  sys_seconds time = std::chrono::sys_days(date);
  if (reader.ended()) return time;
  reader.one_of("Tt ");
  const int hour = reader.number(2);
  reader.one_of(":");
  const int minute = reader.number(2);
  reader.one_of(":");
  const int second = reader.number(2);
  reader.skip_fraction();
  const char zone = reader.one_of("Zz+-");
  if (zone == '+' || zone == '-') {
    const int zone_hours = reader.number(2);
    reader.one_of(":");
    const int zone_minutes = reader.number(2);
    if (zone_hours > 23 || zone_minutes > 59) return std::nullopt;
    const seconds shift = hours(zone_hours) + minutes(zone_minutes);
    time += zone == '+' ? -shift : shift;
  }
  if (!reader.good() || !reader.ended() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return time + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace

Result<sys_seconds> parse_timestamp(std::string_view text) {
  if (const auto time = read(text)) return *time;
  return make_error(Errc::invalid_argument, escaped(text, 80) + ": not a date and time",
                    "write it as 2024-05-01T12:00:00Z");
}

}  // namespace davit::model

namespace davit {

std::string format_timestamp(std::chrono::sys_seconds time) {
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace davit
