// Policies of repositories, settings of the account, and authorization tokens.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/base64.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/tokens.h"

namespace davit::emulator {
namespace {

using nlohmann::json;
using std::chrono::seconds;

json get_authorization_token(const ApiCall& call) {
  call.admit();
  const Place& place = call.backend.place();
  const auto life = seconds(call.backend.controls().modes().number("token-life"));
  const auto until = std::chrono::time_point_cast<seconds>(call.backend.clock().now() + life);
  // Whatever account is asked for: the token gives the caller's own rights.
  const std::string password = write_token({.account = call.caller.account,
                                            .region = place.region,
                                            .arn = call.caller.arn,
                                            .for_public = call.for_public,
                                            .expires = until});
  json data = {{"authorizationToken", crypto::base64_encode("AWS:" + password)}, {"expiresAt", epoch(until)}};
  if (call.for_public) return {{"authorizationData", data}};
  data["proxyEndpoint"] = place.registry_url;
  const std::size_t count = std::max<std::size_t>(1, call.input.texts("registryIds", 0, 10).size());
  json list = json::array();
  for (std::size_t i = 0; i < count; ++i) list.push_back(data);
  return {{"authorizationData", list}};
}

json describe_registry(const ApiCall& call) {
  call.admit();
  return {{"registryId", call.backend.place().account},
          {"replicationConfiguration", *parse_json(call.backend.settings().replication)}};
}

json get_account_setting(const ApiCall& call) {
  const std::string name =
      call.input.one_of("name", "", {"BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE", "BLOB_MOUNTING"});
  call.admit();
  std::string value = name == "REGISTRY_POLICY_SCOPE" ? "V2" : "AWS_NATIVE";
  if (name == "BLOB_MOUNTING") {
    value = call.backend.controls().modes().is("mount", "on") ? "ENABLED" : "DISABLED";
  }
  return {{"name", name}, {"value", value}};
}

json put_account_setting(const ApiCall& call) {
  const std::string name =
      call.input.one_of("name", "", {"BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE", "BLOB_MOUNTING"});
  std::string value;
  if (name == "BLOB_MOUNTING") value = call.input.one_of("value", "", {"ENABLED", "DISABLED"});
  if (name == "REGISTRY_POLICY_SCOPE") value = call.input.one_of("value", "", {"V2"});
  if (name == "BASIC_SCAN_TYPE_VERSION") value = call.input.one_of("value", "", {"AWS_NATIVE"});
  call.admit();
  if (name == "BLOB_MOUNTING") {
    static_cast<void>(call.backend.controls().set_mode("mount", value == "ENABLED" ? "on" : "off"));
  }
  return {{"name", name}, {"value", value}};
}

/// A policy: JSON text of at most `limit` characters.
std::string policy_text(const Input& input, const char* name, std::size_t limit) {
  std::string text = input.text(name);
  if (text.size() > limit) {
    throw invalid_parameter(name, "Member must have length less than or equal to " + std::to_string(limit));
  }
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) throw invalid_parameter(name, "Invalid JSON syntax");
  return text;
}

json policy_answer(const ApiCall& call, const std::string& name, const char* member,
                   const std::string& text) {
  return {{"registryId", call.backend.place().account}, {"repositoryName", name}, {member, text}};
}

std::string in_registry(const ApiCall& call, const std::string& name) {
  return "repository with name '" + name + "' in the registry with id '" + call.backend.place().account + "'";
}

Refusal no_policy(const ApiCall& call, const std::string& name) {
  return {"RepositoryPolicyNotFoundException",
          "Repository policy does not exist for the " + in_registry(call, name)};
}

Refusal no_lifecycle_policy(const ApiCall& call, const std::string& name) {
  return {"LifecyclePolicyNotFoundException",
          "Lifecycle policy does not exist for the " + in_registry(call, name)};
}

json set_repository_policy(const ApiCall& call) {
  const std::string text = policy_text(call.input, "policyText", 10'240);
  const std::string name = call.admitted_repository();
  call.backend.change(name, [&](RepositoryRecord& record) { record.policy = text; });
  return policy_answer(call, name, "policyText", text);
}

json get_repository_policy(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const std::string text = call.backend.find(name).policy;
  if (text.empty()) throw no_policy(call, name);
  return policy_answer(call, name, "policyText", text);
}

json delete_repository_policy(const ApiCall& call) {
  json before = get_repository_policy(call);
  call.backend.change(before["repositoryName"].get<std::string>(),
                      [](RepositoryRecord& record) { record.policy.clear(); });
  return before;
}

json put_lifecycle_policy(const ApiCall& call) {
  const std::string text = policy_text(call.input, "lifecyclePolicyText", 30'720);
  const auto parsed = parse_json(text);
  if (!parsed->contains("rules") || !(*parsed)["rules"].is_array() || (*parsed)["rules"].empty()) {
    throw invalid_parameter("LifecyclePolicyText", "Lifecycle policy must have at least one rule");
  }
  const std::string name = call.admitted_repository();
  call.backend.change(name, [&](RepositoryRecord& record) {
    record.lifecycle_policy = text;
    record.lifecycle_evaluated = {};
  });
  return policy_answer(call, name, "lifecyclePolicyText", text);
}

json get_lifecycle_policy(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const RepositoryRecord record = call.backend.find(name);
  if (record.lifecycle_policy.empty()) throw no_lifecycle_policy(call, name);
  json out = policy_answer(call, name, "lifecyclePolicyText", record.lifecycle_policy);
  out["lastEvaluatedAt"] = epoch(record.lifecycle_evaluated);
  return out;
}

json delete_lifecycle_policy(const ApiCall& call) {
  json before = get_lifecycle_policy(call);
  call.backend.change(before["repositoryName"].get<std::string>(),
                      [](RepositoryRecord& record) { record.lifecycle_policy.clear(); });
  return before;
}

}  // namespace

void add_registry_operations(ApiOperations& all) {
  all["GetAuthorizationToken"] = get_authorization_token;
  all["DescribeRegistry"] = describe_registry;
  all["GetAccountSetting"] = get_account_setting;
  all["PutAccountSetting"] = put_account_setting;
}

void add_settings_operations(ApiOperations& all) {
  all["SetRepositoryPolicy"] = set_repository_policy;
  all["GetRepositoryPolicy"] = get_repository_policy;
  all["DeleteRepositoryPolicy"] = delete_repository_policy;
  all["PutLifecyclePolicy"] = put_lifecycle_policy;
  all["GetLifecyclePolicy"] = get_lifecycle_policy;
  all["DeleteLifecyclePolicy"] = delete_lifecycle_policy;
}

}  // namespace davit::emulator
