#include "base/json.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using davit::parse_json;

TEST_CASE("row 34: JSON attacks are refused within bounds") {
  CHECK_FALSE(parse_json(std::string(100'000, '[')));
  CHECK_FALSE(parse_json(std::string(100, '[') + std::string(100, ']')));
  CHECK_FALSE(parse_json("1e999"));
  CHECK_FALSE(parse_json("\"\\ud800\""));
  CHECK_FALSE(parse_json("\"\xff\""));
  CHECK_FALSE(parse_json("{\"a\\u0000b\": 1}"));
  CHECK_FALSE(parse_json(std::string("{\"a\": \0}", 8)));
  CHECK_FALSE(parse_json("{} x"));
  CHECK_FALSE(parse_json(std::string("{}\0 x", 5)));
  CHECK_FALSE(parse_json(""));
  CHECK_FALSE(parse_json("[1,2,3]", {.values = 3}));
  CHECK_FALSE(parse_json("[1,2,3]", {.bytes = 6}));
}

TEST_CASE("row 34, the twin: honest JSON of the same kind is read") {
  CHECK(parse_json(std::string(60, '[') + std::string(60, ']')));
  CHECK(parse_json("1e30"));
  CHECK(parse_json("\"\\ud83d\\udc33\""));
  CHECK(parse_json("[1,2,3]", {.bytes = 7, .values = 4}));
}

TEST_CASE("a name twice in one object is refused, in two objects not") {
  const auto twice = parse_json(R"({"digest": "a", "digest": "b"})");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == davit::Errc::corrupt);
  CHECK(twice.error().message.find("digest") != std::string::npos);
  CHECK(parse_json(R"([{"digest": "a"}, {"digest": "b"}])"));
}

TEST_CASE("a known name in another case is refused") {
  CHECK_FALSE(davit::refuse_case_variants(*parse_json(R"({"MediaType": "x"})"), {"mediaType"}));
  CHECK(davit::refuse_case_variants(*parse_json(R"({"mediaType": "x", "Other": 1})"), {"mediaType"}));
}
