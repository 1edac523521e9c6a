#include "emulator/ecr/repository_input.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {

TagMutability read_mutability(const Input& input) {
  TagMutability out{
      .mode = input.one_of("imageTagMutability", "MUTABLE",
                           {"MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"})};
  for (const auto& filter : input.objects("imageTagMutabilityExclusionFilters", 0, 5)) {
    static_cast<void>(filter.one_of("filterType", "", {"WILDCARD"}));
    std::string text = filter.text("filter");
    constexpr std::string_view kAllowed =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._*-";
    if (text.empty() || text.size() > 128 || text.find_first_not_of(kAllowed) != std::string::npos) {
      throw invalid_parameter("imageTagMutabilityExclusionFilters",
                              "must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}$'");
    }
    out.exclusions.push_back(std::move(text));
  }
  if (out.mode.ends_with("_WITH_EXCLUSION") == out.exclusions.empty()) {
    throw invalid_parameter("imageTagMutabilityExclusionFilters",
                            out.exclusions.empty() ? "Member must not be empty with " + out.mode
                                                   : "Member must not be set with " + out.mode);
  }
  return out;
}

nlohmann::json exclusion_filters(const TagMutability& mutability) {
  auto filters = nlohmann::json::array();
  for (const auto& filter : mutability.exclusions) {
    filters.push_back({{"filterType", "WILDCARD"}, {"filter", filter}});
  }
  return filters;
}

std::map<std::string, std::string> read_tags(const Input& input, const char* member) {
  std::map<std::string, std::string> out;
  for (const auto& tag : input.objects(member, 0, 1000)) {
    const std::string key = tag.text("Key");
    if (key.empty() || key.size() > 128 || key.starts_with("aws:")) {
      throw Refusal{"InvalidTagParameterException",
                    "Invalid parameter at '" + std::string(member) +
                        "' failed to satisfy constraint: "
                        "'Tag key must be 1 to 128 characters and not begin with aws:'"};
    }
    out[key] = tag.text_or("Value", "");
  }
  if (out.size() > 50) throw Refusal{"TooManyTagsException", "The maximum number of tags is 50"};
  return out;
}

void read_encryption(const Input& input, RepositoryRecord& into) {
  const auto encryption = input.object("encryptionConfiguration");
  if (!encryption) return;
  into.encryption = encryption->one_of("encryptionType", "", {"AES256", "KMS", "KMS_DSSE"});
  into.kms_key = encryption->text_or("kmsKey", "");
  if (into.encryption == "AES256" && !into.kms_key.empty()) {
    throw invalid_parameter("encryptionConfiguration", "kmsKey can only be used with KMS encryption");
  }
}

std::string read_policy(const Input& input, const char* member, std::size_t limit) {
  std::string text = input.text(member);
  if (text.size() > limit) {
    throw invalid_parameter(member, "Member must have length less than or equal to " + std::to_string(limit));
  }
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) throw invalid_parameter(member, "Invalid JSON syntax");
  return text;
}

std::string read_lifecycle_policy(const Input& input, const char* member) {
  std::string text = read_policy(input, member, 30'720);
  const auto parsed = parse_json(text);
  if (!parsed->contains("rules") || !(*parsed)["rules"].is_array() || (*parsed)["rules"].empty()) {
    throw invalid_parameter("LifecyclePolicyText", "Lifecycle policy must have at least one rule");
  }
  return text;
}

RepositoryRecord read_template(const Input& input) {
  RepositoryRecord out{.mutability = read_mutability(input), .tags = read_tags(input, "resourceTags")};
  read_encryption(input, out);
  if (input.has("repositoryPolicy")) out.policy = read_policy(input, "repositoryPolicy", 10'240);
  if (input.has("lifecyclePolicy")) out.lifecycle_policy = read_lifecycle_policy(input, "lifecyclePolicy");
  if ((!out.tags.empty() || out.encryption != "AES256") && !input.has("customRoleArn")) {
    throw invalid_parameter("customRoleArn", "Member must not be null with resource tags or KMS encryption");
  }
  return out;
}

}  // namespace davit::emulator
