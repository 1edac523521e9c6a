// docs/mirror.md, its example and its JSON schema say what the parser does.

#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "config/mirror_file.h"

#include "support/catch.h"

using namespace davit;
using nlohmann::json;

namespace {

std::string docs_file(const std::string& name) {
  std::ifstream file(std::string(DAVIT_DOCS) + "/" + name, std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<config::MirrorSettings> parse(const std::string& text) {
  return config::parse_mirror_file(
      text, "mirror.yaml",
      {.variables = [](const std::string&) { return std::optional<std::string>(); },
       .small_file = [](const std::string&) -> Result<std::string> { return Error{}; }});
}

/// The keys that the parser knows, as it says itself when it meets one that it cannot have.
std::set<std::string> known_keys(const std::string& text) {
  const auto out = parse(text);
  REQUIRE_FALSE(out);
  const std::string& message = out.error().message;
  const std::string marker = "it knows ";
  const auto at = message.find(marker);
  INFO(message);
  REQUIRE(at != std::string::npos);
  std::set<std::string> keys;
  std::istringstream words(message.substr(at + marker.size()));
  for (std::string word; words >> word;)
    keys.insert(word.ends_with(',') ? word.substr(0, word.size() - 1) : word);
  return keys;
}

/// The keys of an object in the schema; a choice has one alternative that is an object.
std::set<std::string> schema_keys(json at) {
  if (at.contains("oneOf")) {
    for (const json& each : at["oneOf"]) {
      if (each.contains("properties")) return schema_keys(each);
    }
  }
  CHECK(at.value("additionalProperties", true) == false);
  std::set<std::string> keys;
  for (const auto& [key, unused] : at.at("properties").items()) keys.insert(key);
  return keys;
}

json alternative(const json& at) {
  for (const json& each : at.at("oneOf")) {
    if (each.contains("properties")) return each;
  }
  return {};
}

}  // namespace

TEST_CASE("the example in the manual is the example file, and it is read") {
  const std::string page = docs_file("mirror.md");
  const std::string begin = "\n```yaml\n";
  const auto from = page.find(begin);
  REQUIRE(from != std::string::npos);
  const auto to = page.find("```\n", from + begin.size());
  const std::string example = page.substr(from + begin.size(), to - from - begin.size());
  CHECK(example == docs_file("examples/mirror.yaml"));
  const auto read = parse(example);
  INFO((read ? "" : read.error().message));
  REQUIRE(read);
  REQUIRE(read->file.jobs.size() == 3);
  CHECK(read->registries.size() == 4);
  CHECK(read->file.notes.empty());
  CHECK(read->file.jobs[0].tags.choice->latest == 10u);
  CHECK(read->file.jobs[1].tags.names == std::vector<std::string>{"latest"});
  CHECK(read->file.jobs[2].prune.protect == std::vector<std::string>{"keep-.*"});
  const auto policy = json::parse(read->file.jobs[2].create_repositories->lifecycle_policy);
  CHECK(policy["rules"][0]["selection"]["countNumber"] == 14);
}

TEST_CASE("the schema for editors has the keys of the parser, no more and no fewer") {
  const json schema = json::parse(docs_file("mirror.schema.json"));
  const json& top = schema["properties"];
  const json& job = top["jobs"]["items"]["properties"];
  const json& registry = top["registries"]["additionalProperties"];
  const std::string jobs = "jobs:\n- source: s.example/a\n  target: t.example/b\n";
  const std::string unknown = "{qqqqqqqqqqqq: 1}";
  CHECK(known_keys("jobs: []\nqqqqqqqqqqqq: 1\n") == schema_keys(schema));
  CHECK(known_keys("registries: {a.example: " + unknown + "}\n" + jobs) == schema_keys(registry));
  CHECK(known_keys("registries: {a.example: {ecr: " + unknown + "}}\n" + jobs) ==
        schema_keys(registry["properties"]["ecr"]));
  CHECK(known_keys("registries: {a.example: {limits: " + unknown + "}}\n" + jobs) ==
        schema_keys(registry["properties"]["limits"]));
  CHECK(known_keys("defaults: " + unknown + "\n" + jobs) == schema_keys(top["defaults"]));
  CHECK(known_keys(jobs + "  qqqqqqqqqqqq: 1\n") == schema_keys(top["jobs"]["items"]));
  for (const char* key : {"tags", "prune", "create_repositories"}) {
    INFO(key);
    CHECK(known_keys(jobs + "  " + key + ": " + unknown + "\n") == schema_keys(alternative(job[key])));
  }
  CHECK(known_keys(jobs + "  repositories: " + unknown + "\n") == schema_keys(job["repositories"]));
}

TEST_CASE("the manual names every key of the schema") {
  const std::string page = docs_file("mirror.md") + docs_file("configuration.md");
  std::vector<json> left = {json::parse(docs_file("mirror.schema.json"))};
  std::size_t keys = 0;
  while (!left.empty()) {
    const json at = left.back();
    left.pop_back();
    if (at.is_object() && at.contains("properties")) {
      for (const auto& [key, value] : at["properties"].items()) {
        ++keys;
        INFO(key);
        CHECK(page.find("`" + key + "`") != std::string::npos);
      }
    }
    if (at.is_structured()) {
      for (const json& each : at) left.push_back(each);
    }
  }
  CHECK(keys > 40);
}
