#include <davit/platform.h>

#include "support/catch.h"

using davit::Platform;

TEST_CASE("reads the spellings people use") {
  CHECK(Platform::parse("linux/amd64").value().to_string() == "linux/amd64");
  CHECK(Platform::parse("amd64").value().to_string() == "linux/amd64");
  CHECK(Platform::parse("Linux/x86_64").value().to_string() == "linux/amd64");
  CHECK(Platform::parse("linux/aarch64/v8").value().to_string() == "linux/arm64/v8");
  CHECK(Platform::parse("linux/arm").value().to_string() == "linux/arm");
  CHECK(Platform::parse("linux/armel").value().to_string() == "linux/arm/v6");
  CHECK(Platform::parse("windows/amd64:10.0.17763.1").value().os_version == "10.0.17763.1");
  for (const char* bad : {"", "/", "linux/", "linux//v7", "a/b/c/d", "linux/am d64", "linux/amd64:"})
    CHECK_FALSE(Platform::parse(bad));
}

TEST_CASE("row 126: platforms are compared after normalising") {
  const auto p = [](const char* text) { return Platform::parse(text).value(); };
  CHECK(p("linux/arm64/v8").satisfies(p("linux/arm64")));
  CHECK(p("linux/arm64").satisfies(p("linux/arm64/v8")));
  CHECK((p("linux/arm64/v8").normalized() == p("linux/arm64").normalized()));
  CHECK((p("linux/arm").normalized() == p("linux/arm/v7").normalized()));
  CHECK(p("linux/arm/v7").satisfies(p("linux/arm")));
  CHECK_FALSE(p("linux/arm/v6").satisfies(p("linux/arm/v7")));
  CHECK_FALSE(Platform{.os = "unknown", .architecture = "unknown"}.satisfies(p("linux/amd64")));
  CHECK(p("windows/amd64:10.0.1").satisfies(p("windows/amd64")));
  CHECK_FALSE(p("windows/amd64:10.0.1").satisfies(p("windows/amd64:10.0.2")));
}
