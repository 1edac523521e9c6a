#include "model/semver.h"

#include "support/catch.h"

using namespace davit;
using model::Version;
using model::VersionRange;

namespace {

bool in(const std::string& range, const std::string& version) {
  INFO(range << " and " << version);
  return VersionRange::parse(range).value().contains(Version::parse(version).value());
}

}  // namespace

TEST_CASE("versions have three numbers", "[semver]") {
  CHECK(Version::parse("1.2.3"));
  CHECK(Version::parse("v1.2.3-rc.1+build.5"));
  for (const std::string text : {"", "1", "1.2", "1.2.3.4", "1.2.x", "01.2.3", "1.2.3-", "1.2.3-01", "latest",
                                 "1.2.3-a..b", "99999999999999999999.0.0", "=1.2.3"}) {
    INFO(text);
    CHECK_FALSE(Version::parse(text));
  }
}

TEST_CASE("short versions are filled up, and zeros in front do not matter", "[semver]") {
  CHECK(Version::parse_short("1.2.3-rc.1+b") == Version::parse("1.2.3-rc.1+b"));
  CHECK(Version::parse_short("1.2") == Version::parse("1.2.0"));
  CHECK(Version::parse_short("v8") == Version::parse("8.0.0"));
  CHECK(Version::parse_short("3.12-alpine") == Version::parse("3.12.0-alpine"));
  CHECK(Version::parse_short("22.04") == Version::parse("22.4.0"));
  CHECK(Version::parse_short("0.00") == Version::parse("0.0.0"));
  for (const std::string text : {"", "v", "1.", ".1", "1..2", "1.2.3.4", "1.x", "latest", "1.2-", "=1.2",
                                 "vv1", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(Version::parse_short(text));
  }
}

TEST_CASE("precedence is that of the specification", "[semver]") {
  // The example of section 11.
  const std::vector<std::string> rising{"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                                        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0"};
  for (std::size_t i = 0; i + 1 < rising.size(); ++i) {
    INFO(rising[i] << " before " << rising[i + 1]);
    CHECK(*Version::parse(rising[i]) < *Version::parse(rising[i + 1]));
  }
  CHECK(*Version::parse("1.0.0+a") == *Version::parse("1.0.0+b"));
}

TEST_CASE("ranges are those of npm", "[semver]") {
  CHECK(in(">=7", "7.0.0"));
  CHECK(in(">=7", "8.2.1"));
  CHECK_FALSE(in(">=7", "6.9.9"));
  CHECK(in(">1.2", "1.3.0"));
  CHECK_FALSE(in(">1.2", "1.2.9"));
  CHECK(in("<=1.2", "1.2.9"));
  CHECK_FALSE(in("<1.2", "1.2.0"));
  CHECK(in(">=1.2 <2 || 5.x", "1.9.0"));
  CHECK(in(">=1.2 <2 || 5.x", "5.4.3"));
  CHECK_FALSE(in(">=1.2 <2 || 5.x", "2.0.0"));
  CHECK(in(">= 1.2.3", "1.2.3"));
  CHECK(in("1.2 - 1.4", "1.4.9"));
  CHECK_FALSE(in("1.2.0 - 1.4.0", "1.4.1"));
  CHECK(in("~1.2.3", "1.2.9"));
  CHECK_FALSE(in("~1.2.3", "1.3.0"));
  CHECK(in("~1", "1.9.0"));
  CHECK(in("^1.2.3", "1.9.9"));
  CHECK_FALSE(in("^1.2.3", "2.0.0"));
  CHECK(in("^0.2.3", "0.2.9"));
  CHECK_FALSE(in("^0.2.3", "0.3.0"));
  CHECK_FALSE(in("^0.0.3", "0.0.4"));
  CHECK(in("1.2.3", "v1.2.3"));
  CHECK(in("*", "0.0.1"));
  CHECK(in("", "3.2.1"));
  CHECK_FALSE(in(">*", "3.2.1"));
}

TEST_CASE("prereleases count only where they are named", "[semver]") {
  CHECK_FALSE(in(">=1.0.0", "2.0.0-rc.1"));
  CHECK_FALSE(in("*", "2.0.0-rc.1"));
  CHECK_FALSE(in("^1.2.3", "2.0.0-rc.1"));
  CHECK_FALSE(in(">1.2", "1.3.0-rc.1"));
  CHECK(in(">=2.0.0-0", "2.0.0-rc.1"));
  CHECK(in("^2.0.0-rc.1", "2.0.0-rc.2"));
  CHECK_FALSE(in("^2.0.0-rc.1", "2.1.0-rc.2"));
}

TEST_CASE("what is no range is refused", "[semver]") {
  for (const std::string text : {"latest", ">=", "1.2.3.4", ">=1.x-rc", "1 - "}) {
    INFO(text);
    const auto range = VersionRange::parse(text);
    REQUIRE_FALSE(range);
    CHECK(range.error().code == Errc::invalid_argument);
  }
  CHECK_FALSE(VersionRange::parse(std::string(10'000, '1')));
}
