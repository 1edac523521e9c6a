#include "transfer/reuse.h"

#include "support/catch.h"

using davit::transfer::nearest_tags;
using Tags = std::vector<std::string>;

TEST_CASE("the nearest tags are the neighbours in version order, the one before first") {
  CHECK(nearest_tags({"1.0", "1.10", "1.9", "1.8", "2.0"}, "1.11", 3) == Tags{"1.10", "2.0", "1.9"});
  CHECK(nearest_tags({"v1", "v3"}, "v2", 3) == Tags{"v1", "v3"});
  CHECK(nearest_tags({"v1", "v2"}, "v2", 3) == Tags{"v1"});
  CHECK(nearest_tags({}, "v2", 3).empty());
}

TEST_CASE("what is not a tag is not taken for one, whatever the registry lists") {
  CHECK(nearest_tags({"../../other/manifests/1", "1?x", "1\r\nA: b", "", "1.0"}, "1.1", 5) == Tags{"1.0"});
}

TEST_CASE("numbers in tags compare by value, not by spelling") {
  CHECK(nearest_tags({"build-99", "build-100", "build-101"}, "build-102", 1) == Tags{"build-101"});
  CHECK(nearest_tags({"007", "8"}, "9", 1) == Tags{"8"});
  CHECK(nearest_tags({"20261101", "20261120"}, "20261121", 1) == Tags{"20261120"});
}
