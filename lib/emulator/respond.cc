#include "emulator/respond.h"

#include <array>
#include <cstdio>
#include <ctime>

#include <nlohmann/json.hpp>

namespace davit::emulator {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Not strftime: its names follow the program's locale.
Response dated(Response response, std::chrono::system_clock::time_point now) {
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  response.headers.push_back({"Date", text.data()});
  return response;
}

Response refusal(int status, std::string_view code, std::string_view message, Headers headers) {
  headers.push_back({"Content-Type", "application/json"});
  return {
      .status = status,
      .headers = std::move(headers),
      .body = "{\"errors\":[{\"code\":" + json_string(code) + ",\"message\":" + json_string(message) + "}]}"};
}

}  // namespace davit::emulator
