#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::registry {

/// A whole decimal number of at most 2^63-1; nothing else.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

/// `Content-Range: bytes 0-9/100`. An unknown total is empty.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

/// An upload's `Range: 0-99` (some write `bytes=0-99`): how many bytes are stored. "0-0" counts as none, as
/// registries say that for an empty upload; a one-byte upload loses nothing by it.
std::optional<std::uint64_t> parse_stored_range(std::string_view value);

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers are to send.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// `Retry-After`: seconds, or a date. Dates count from `now`; the past is zero.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::chrono::system_clock::time_point now);

/// Docker Hub's `RateLimit-Limit: 100;w=21600`: a number, and the seconds that it is for. Nothing for the
/// forms of others, who count other things.
struct Counted {
  std::uint64_t count = 0;
  std::chrono::seconds window{0};
};
std::optional<Counted> parse_counted(std::string_view value);

/// The target of the first `rel="next"` in a Link header (RFC 8288); empty when there is none.
std::string parse_next_link(std::string_view value);

/// The text of a `Warning: 299 - "text"` header (RFC 7234, 5.5); empty for other codes and malformed ones.
std::string parse_warning(std::string_view value);

}  // namespace davit::registry
