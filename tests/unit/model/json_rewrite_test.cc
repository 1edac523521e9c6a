#include "model/json_rewrite.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace davit;
using Json = nlohmann::ordered_json;

namespace {

const std::string kText = R"( {
  "a": 1.50,
  "list" : [ {"x":1e3, "y":"\u00e9\/,]}"}, 12345678901234567890123 ,[] ],
  "o": { }
} )";

/// kText after `edit`.
template <typename Edit>
std::string after(const Edit& edit) {
  Json document = Json::parse(kText);
  edit(document);
  return model::rewritten_json(kText, document);
}

std::string replaced(const std::string& what, const std::string& with) {
  std::string out = kText;
  return out.replace(out.find(what), what.size(), with);
}

}  // namespace

TEST_CASE("a document that says the same has the same bytes") {
  CHECK(after([](Json&) {}) == kText);
}

TEST_CASE("members that are set, made and taken away leave the bytes of the others") {
  CHECK(after([](Json& document) { document["a"] = 2; }) == replaced("1.50", "2"));
  CHECK(after([](Json& document) { document["o"]["new"] = "n"; }) == replaced("{ }", R"({ "new":"n"})"));
  CHECK(after([](Json& document) { document.erase("o"); }) == replaced(",\n  \"o\": { }", ""));
  CHECK(after([](Json& document) { document["z"] = true; }) == replaced("{ }", "{ },\n  \"z\":true"));
}

TEST_CASE("elements that go, come and change leave the bytes of the others") {
  CHECK(after([](Json& document) { document["list"].erase(1); }) ==
        replaced(", 12345678901234567890123 ,[]", ", []"));
  CHECK(after([](Json& document) { document["list"][0]["x"] = 5; }) == replaced("1e3", "5"));
  CHECK(after([](Json& document) { document["list"].push_back("new"); }) ==
        replaced("[] ]", "[], \"new\" ]"));
}

TEST_CASE("elements are found as they are written") {
  const auto found = model::json_elements(kText, "list");
  REQUIRE(found.size() == 3);
  CHECK(found[0] == R"({"x":1e3, "y":"\u00e9\/,]}"})");
  CHECK(found[1] == "12345678901234567890123");
  CHECK(model::json_elements(kText, "a").empty());
  CHECK(model::json_elements(R"({"\u006cist":[1.0]})", "list").size() == 1);
}

TEST_CASE("elements are added as they are written") {
  const std::string more[] = {"1.0", "2.00"};
  CHECK(model::with_elements(R"({"l":[],"m":0.10})", "l", more) == R"({"l":[1.0,2.00],"m":0.10})");
  CHECK(model::with_elements(R"({"l":[ 7 ]})", "l", more) == R"({"l":[ 7,1.0,2.00 ]})");
}
