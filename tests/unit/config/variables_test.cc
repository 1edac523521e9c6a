#include "config/variables.h"

#include <map>

#include "support/catch.h"

using namespace davit;

namespace {

std::optional<std::string> variable(const std::string& name) {
  static const std::map<std::string, std::string> known = {
      {"HOST", "r.example"}, {"EMPTY", ""}, {"ODD", "${HOST} $$ }"}, {"_2", "two"}};
  const auto at = known.find(name);
  if (at == known.end()) return {};
  return at->second;
}

std::string text(const std::string& written) {
  const auto out = config::filled(written, variable);
  INFO(written << (out ? "" : ": " + out.error().message));
  REQUIRE(out);
  CHECK(out->written == written);
  return out->text;
}

std::string refusal(const std::string& written) {
  const auto out = config::filled(written, variable);
  if (out) return "taken: " + out->text;
  CHECK(out.error().code == Errc::invalid_argument);
  return out.error().message + " (" + out.error().hint + ")";
}

bool holds(const std::string& whole, const char* part) {
  return whole.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("variables are filled in, with a default where they are unset or empty") {
  CHECK(text("${HOST}/app") == "r.example/app");
  CHECK(text("a${_2}b${_2}") == "atwobtwo");
  CHECK(text("[${EMPTY}]") == "[]");
  CHECK(text("${EMPTY:-full}") == "full");
  CHECK(text("${ABSENT:-}") == "");
  CHECK(text("${ABSENT:-a:-b?c}") == "a:-b?c");
  CHECK(text("${HOST:-other}") == "r.example");
  CHECK(text("${HOST:?needed}") == "r.example");
  CHECK(config::filled("${HOST}", variable)->filled);
  CHECK_FALSE(config::filled("HOST", variable)->filled);
}

TEST_CASE("a dollar that begins no variable is one") {
  CHECK(text("v1$") == "v1$");
  CHECK(text("$HOST") == "$HOST");
  CHECK(text("$${HOST}") == "${HOST}");
  CHECK(text("$$$$") == "$$");
  CHECK(text("") == "");
}

TEST_CASE("what was filled in is not looked at again") {
  CHECK(text("${ODD}") == "${HOST} $$ }");
}

TEST_CASE("a variable that is missing is an error with the message that the file has") {
  CHECK(holds(refusal("${ABSENT}"), "needs the variable ABSENT, which is not set"));
  CHECK(holds(refusal("${EMPTY:?say which host}"), "EMPTY, which is empty: say which host"));
  CHECK(holds(refusal("${ABSENT:?}"), "which is not set"));
}

TEST_CASE("what is no variable is an error") {
  CHECK(holds(refusal("${HOST"), "without its }"));
  CHECK(holds(refusal("${}"), "no variable"));
  CHECK(holds(refusal("${2}"), "no variable"));
  CHECK(holds(refusal("${HO ST}"), "no variable"));
  CHECK(holds(refusal("${HOST-x}"), "not understood"));
  CHECK(holds(refusal("${HOST:+x}"), "not understood"));
  CHECK(holds(refusal("${A:-${HOST}}"), "within"));
  CHECK(holds(refusal("x/${repo}"), "{repo}"));
}
