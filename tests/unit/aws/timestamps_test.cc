#include "aws/timestamps.h"

#include "support/catch.h"

using namespace davit;
using namespace std::chrono;

TEST_CASE("the forms in which AWS tools write an instant") {
  const auto noon = sys_days(year(2026) / 1 / 15) + hours(12);
  for (const char* text :
       {"2026-01-15T12:00:00Z", "2026-01-15T12:00:00.123456Z", "2026-01-15T12:00:00UTC",
        "2026-01-15T12:00:00+00:00", "2026-01-15T14:30:00+02:30", "2026-01-15T04:00:00-0800"}) {
    CAPTURE(text);
    CHECK(aws::parse_iso8601(text) == system_clock::time_point(noon));
  }
  CHECK(aws::format_iso8601(noon) == "2026-01-15T12:00:00Z");
  CHECK(aws::format_iso8601(system_clock::time_point()) == "1970-01-01T00:00:00Z");
}

TEST_CASE("what is no instant is refused") {
  for (const char* text :
       {"", "2026-01-15", "2026-01-15T12:00:00", "2026-13-15T12:00:00Z", "2026-02-30T12:00:00Z",
        "2026-01-15T24:00:00Z", "2026-01-15T12:00:00.Z", "2026-01-15T12:00:00+1", "1768478400",
        "2026-01-15T12:00:00ZZ", "9999-01-15T12:00:00Z", "-026-01-15T12:00:00Z", "2026-01-15T12:00:00+99:00",
        "1970-01-01T00:00:00+01:00", "2199-12-31T23:00:00-02:00"}) {
    CAPTURE(text);
    CHECK_FALSE(aws::parse_iso8601(text));
  }
}
