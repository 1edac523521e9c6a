#include "model/tag_choice.h"

#include "support/catch.h"

using namespace davit;
using model::choose_tags;
using Tags = std::vector<std::string>;

TEST_CASE("all tags come in version order, oldest first", "[tags]") {
  CHECK(choose_tags({"1.10.0", "latest", "1.9.0", "v1.9.5", "7"}, {}).value() ==
        Tags{"latest", "1.9.0", "v1.9.5", "1.10.0", "7"});
}

TEST_CASE("what reads as a version is newer than any word, and a missing number is less than any", "[tags]") {
  const Tags in_order{"alpine", "latest",     "v",           "x.1.2", "6",       "6.0", "7", "7.2",
                      "7.2.0",  "7.2.4-rc.2", "7.2.4-rc.10", "7.2.4", "7.2.4.1", "7.4", "v8"};
  Tags mixed(in_order.rbegin(), in_order.rend());
  std::swap(mixed[2], mixed[9]);
  CHECK(choose_tags(mixed, {}).value() == in_order);
  CHECK(choose_tags(mixed, {.latest = 1}).value() == Tags{"v8"});
  CHECK(choose_tags(mixed, {.latest = 3}).value() == Tags{"7.2.4.1", "7.4", "v8"});
}

TEST_CASE("numbers of any length and with zeros in front have their order", "[tags]") {
  CHECK(choose_tags({"2024.10.01", "2024.09.30", "99999999999999999999999", "100000000000000000000000"}, {})
            .value() ==
        Tags{"2024.09.30", "2024.10.01", "99999999999999999999999", "100000000000000000000000"});
  CHECK(choose_tags({"1.01", "1.1", "1.01", "v1.1"}, {}).value().size() == 3);
  CHECK(choose_tags({"1.2.", ".1", "1..2", "1.2-", "vv1", "1.2_1", "0"}, {.latest = 1}).value() == Tags{"0"});
}

TEST_CASE("patterns match whole tags", "[tags]") {
  const Tags tags{"1.0", "1.0-alpine", "2.0", "edge"};
  CHECK(choose_tags(tags, {.include = {"1\\.0"}}).value() == Tags{"1.0"});
  CHECK(choose_tags(tags, {.include = {"[0-9].*"}, .exclude = {".*-alpine"}}).value() == Tags{"1.0", "2.0"});
  CHECK(choose_tags(tags, {.include = {"1.*", "edge"}}).value() == Tags{"edge", "1.0-alpine", "1.0"});
  const auto broken = choose_tags(tags, {.exclude = {"("}});
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Errc::invalid_argument);
}

TEST_CASE("the newest are counted after everything else was chosen", "[tags]") {
  const Tags tags{"1.2.3", "1.10.0", "2.0.0", "2.0.1-rc.1", "nightly"};
  CHECK(choose_tags(tags, {.semver = "<2", .latest = 1}).value() == Tags{"1.10.0"});
  CHECK(choose_tags(tags, {.semver = "*", .latest = 2}).value() == Tags{"1.10.0", "2.0.0"});
  CHECK(choose_tags(tags, {.latest = 9}).value().size() == 5);
}

TEST_CASE("tags with fewer numbers are versions where that is wanted", "[tags]") {
  const Tags tags{"3.11", "3.12", "3.12.1", "4", "3.13-rc1", "edge"};
  CHECK(choose_tags(tags, {.semver = ">=3.12 <4"}).value() == Tags{"3.12.1"});
  CHECK(choose_tags(tags, {.semver = ">=3.12 <4", .partial_versions = true}).value() ==
        Tags{"3.12", "3.12.1"});
}

TEST_CASE("what is no tag is never passed on", "[tags]") {
  CHECK(choose_tags({"../x", "a b", "ok", "ok", ""}, {}).value() == Tags{"ok"});
}
