#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/url.h"
#include "registry/fields.h"
#include "registry/location.h"

using namespace davit::registry;

/// One header value, given to every parser of header values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  if (const auto range = parse_content_range(value)) {
    if (range->last < range->first || (range->total && *range->total <= range->last)) std::abort();
  }
  static_cast<void>(parse_decimal(value));
  static_cast<void>(parse_stored_range(value));
  const auto counted = parse_counted(value);
  if (counted && counted->window.count() <= 0) std::abort();
  const auto wait =
      parse_retry_after(value, std::chrono::system_clock::time_point(std::chrono::hours(400'000)));
  if (wait && (wait->count() < 0 || wait->count() > 86'400)) std::abort();
  if (parse_next_link(value).size() > size || parse_warning(value).size() > size) std::abort();
  static const auto registry = davit::net::Url::parse("https://r.example/v2/").value();
  const auto target = next_target(registry, {.url = registry}, value, "10.0.0.1");
  if (target && !target->url.secure()) std::abort();
  if (target && target->foreign == target->url.same_origin(registry)) std::abort();
  return 0;
}
