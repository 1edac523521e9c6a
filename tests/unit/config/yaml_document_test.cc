#include "config/yaml_document.h"

#include <yaml-cpp/yaml.h>

#include "support/catch.h"

using namespace davit;

namespace {

/// What is wrong with a document; empty when it is read.
std::string refusal(const std::string& text, const config::DocumentLimits& limits = {}) {
  bool reached = false;
  const auto read =
      config::read_document(text, "f.yaml", limits, [&](const YAML::Node&, const std::string&) -> Result<> {
        reached = true;
        return {};
      });
  CHECK(reached == read.has_value());
  return read ? std::string() : read.error().message;
}

bool holds(const std::string& whole, const char* part) {
  return whole.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a document within its limits is read") {
  CHECK(refusal("").empty());
  CHECK(refusal("a: [1, {b: c}]\n").empty());
  CHECK(refusal("[1, 2]", {.values = 3}).empty());
  CHECK(refusal("[[[]]]", {.depth = 3}).empty());
  CHECK(refusal("a: &x [1, 2]\nb: *x\n", {.values = 9}).empty());
}

TEST_CASE("a document beyond its limits is refused with the place") {
  CHECK(holds(refusal("[1, 2, 3]", {.values = 3}), "f.yaml:1:8: not YAML: more than 3 values"));
  CHECK(holds(refusal("[[[[]]]]", {.depth = 3}), "f.yaml:1:4: not YAML: nested more than 3 deep"));
  CHECK(holds(refusal("abcd", {.bytes = 3}), "more than 3 bytes"));
}

TEST_CASE("aliases count as what they stand for") {
  CHECK(holds(refusal("a: &x [1, 2]\nb: *x\n", {.values = 8}), "f.yaml:2:4"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) bomb += (k == 0 ? "" : ", ") + before;
    bomb += "]\n";
  }
  CHECK(holds(refusal(bomb), "values"));
  CHECK(holds(refusal("a: &x [*x]\n"), "alias"));
}

TEST_CASE("what is no YAML is refused with line and column") {
  CHECK(holds(refusal("a: [\nb: c"), "f.yaml:"));
  CHECK(holds(refusal("a: *nobody\n"), "f.yaml:1:4: not YAML"));
  CHECK(holds(refusal("--- a\n--- b\n"), "more than one"));
}
