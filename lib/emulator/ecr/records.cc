#include "emulator/ecr/records.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "io/atomic_file.h"

namespace davit::emulator {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Time = RepositoryRecord::Time;

constexpr int kVersion = 1;

std::int64_t number_of(Time time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}
Time time_of(const json& value) {
  return Time(milliseconds(value.get<std::int64_t>()));
}

json written(const RepositoryRecord& record) {
  return {{"name", record.name},
          {"created", number_of(record.created)},
          {"mutability", record.mutability.mode},
          {"exclusions", record.mutability.exclusions},
          {"scanOnPush", record.scan_on_push},
          {"encryption", record.encryption},
          {"kmsKey", record.kms_key},
          {"tags", record.tags},
          {"policy", record.policy},
          {"lifecyclePolicy", record.lifecycle_policy},
          {"catalog", record.catalog}};
}

RepositoryRecord record_of(const json& value) {
  return {.name = value.at("name"),
          .created = time_of(value.at("created")),
          .mutability = {.mode = value.at("mutability"), .exclusions = value.at("exclusions")},
          .scan_on_push = value.at("scanOnPush"),
          .encryption = value.at("encryption"),
          .kms_key = value.at("kmsKey"),
          .tags = value.at("tags"),
          .policy = value.at("policy"),
          .lifecycle_policy = value.at("lifecyclePolicy"),
          .catalog = value.at("catalog")};
}

json written(const RegistrySettings& settings) {
  return {{"policy", settings.policy},         {"replication", settings.replication},
          {"scanning", settings.scanning},     {"signing", settings.signing},
          {"templates", settings.templates},   {"cacheRules", settings.cache_rules},
          {"exclusions", settings.exclusions}, {"displayName", settings.display_name}};
}

RegistrySettings settings_of(const json& value) {
  return {.policy = value.at("policy"),
          .replication = value.at("replication"),
          .scanning = value.at("scanning"),
          .signing = value.at("signing"),
          .templates = value.at("templates"),
          .cache_rules = value.at("cacheRules"),
          .exclusions = value.at("exclusions"),
          .display_name = value.at("displayName")};
}

}  // namespace

bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const auto rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (fits(rest, text.substr(at))) return true;
  }
  return false;
}

bool TagMutability::immutable(std::string_view tag) const {
  const bool excluded =
      std::ranges::any_of(exclusions, [&](const std::string& pattern) { return fits(pattern, tag); });
  if (mode == "IMMUTABLE") return true;
  if (mode == "IMMUTABLE_WITH_EXCLUSION") return !excluded;
  return mode == "MUTABLE_WITH_EXCLUSION" && excluded;
}

Records read_records(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto parsed = parse_json(text, {.bytes = 64u << 20});
  if (!in || !parsed) throw std::runtime_error("read " + file.string() + ": it is not what a server wrote");
  try {
    Records out;
    if (parsed->at("version") != kVersion) throw std::runtime_error("another version of davit wrote it");
    for (const auto& each : parsed->at("repositories")) {
      RepositoryRecord record = record_of(each);
      out.repositories[record.name] = record;
    }
    out.settings = settings_of(parsed->at("registry"));
    return out;
  } catch (const std::exception& thrown) {
    throw std::runtime_error("read " + file.string() + ": " + thrown.what());
  }
}

void write_records(const std::filesystem::path& file, const Records& records) {
  json document = {
      {"version", kVersion}, {"repositories", json::array()}, {"registry", written(records.settings)}};
  for (const auto& [name, record] : records.repositories) document["repositories"].push_back(written(record));
  const auto replaced =
      io::replace_file(file.string(), document.dump(1) + "\n", 0600, io::Durability::unsynced);
  if (!replaced) throw std::runtime_error(replaced.error().message);
}

}  // namespace davit::emulator
