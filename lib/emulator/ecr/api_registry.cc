// The registry as a whole: authorization tokens, and settings of the account.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/base64.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/repository_input.h"
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

json put_replication_configuration(const ApiCall& call) {
  const auto wanted = call.input.object("replicationConfiguration");
  if (!wanted) throw invalid_parameter("replicationConfiguration", "Member must not be null");
  json rules = json::array();
  for (const auto& rule : wanted->objects("rules", 0, 10)) {
    json destinations = json::array();
    for (const auto& destination : rule.objects("destinations", 1, 25)) {
      destinations.push_back(
          {{"region", destination.text("region")}, {"registryId", destination.text("registryId")}});
    }
    json filters = json::array();
    for (const auto& filter : rule.objects("repositoryFilters", 0, 100)) {
      filters.push_back({{"filter", filter.text("filter")},
                         {"filterType", filter.one_of("filterType", "", {"PREFIX_MATCH"})}});
    }
    rules.push_back({{"destinations", destinations}, {"repositoryFilters", filters}});
  }
  call.admit();
  const json whole = {{"rules", rules}};
  call.backend.change_settings([&](RegistrySettings& settings) { settings.replication = whole.dump(); });
  return {{"replicationConfiguration", whole}};
}

json registry_policy_answer(const ApiCall& call) {
  const std::string text = call.backend.settings().policy;
  if (text.empty()) {
    throw Refusal{
        "RegistryPolicyNotFoundException",
        "Registry policy does not exist in the registry with id '" + call.backend.place().account + "'"};
  }
  return {{"registryId", call.backend.place().account}, {"policyText", text}};
}

json put_registry_policy(const ApiCall& call) {
  const std::string text = read_policy(call.input, "policyText", 10'240);
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) { settings.policy = text; });
  return registry_policy_answer(call);
}

json get_registry_policy(const ApiCall& call) {
  call.admit();
  return registry_policy_answer(call);
}

json delete_registry_policy(const ApiCall& call) {
  call.admit();
  json before = registry_policy_answer(call);
  call.backend.change_settings([](RegistrySettings& settings) { settings.policy.clear(); });
  return before;
}

json put_registry_scanning_configuration(const ApiCall& call) {
  const std::string type = call.input.one_of("scanType", "BASIC", {"BASIC", "ENHANCED"});
  json rules = json::array();
  for (const auto& rule : call.input.objects("rules", 0, 2)) {
    json filters = json::array();
    for (const auto& filter : rule.objects("repositoryFilters", 1, 100)) {
      filters.push_back({{"filter", filter.text("filter")}, {"filterType", filter.text("filterType")}});
    }
    rules.push_back(
        {{"scanFrequency", rule.one_of("scanFrequency", "", {"SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"})},
         {"repositoryFilters", filters}});
  }
  call.admit();
  const json whole = {{"scanType", type}, {"rules", rules}};
  call.backend.change_settings([&](RegistrySettings& settings) { settings.scanning = whole.dump(); });
  return {{"registryScanningConfiguration", whole}};
}

json get_registry_scanning_configuration(const ApiCall& call) {
  call.admit();
  return {{"registryId", call.backend.place().account},
          {"scanningConfiguration", *parse_json(call.backend.settings().scanning)}};
}

/// How often, and by which filters, images of a repository are scanned.
json scanning_of(const ApiCall& call, const RepositoryRecord& record) {
  json out = {{"repositoryArn", repository_arn(call.backend.place(), record.name)},
              {"repositoryName", record.name},
              {"scanOnPush", record.scan_on_push},
              {"scanFrequency", record.scan_on_push ? "SCAN_ON_PUSH" : "MANUAL"},
              {"appliedScanFilters", json::array()}};
  const auto configuration = parse_json(call.backend.settings().scanning);
  for (const auto& rule : configuration->at("rules")) {
    for (const auto& filter : rule.at("repositoryFilters")) {
      if (!fits(filter.at("filter").get<std::string>(), record.name)) continue;
      out["scanFrequency"] = rule.at("scanFrequency");
      out["scanOnPush"] = rule.at("scanFrequency") != "MANUAL";
      out["appliedScanFilters"].push_back(filter);
    }
  }
  return out;
}

json batch_get_repository_scanning_configuration(const ApiCall& call) {
  const auto names = call.input.texts("repositoryNames", 1, 25);
  call.admit();
  json found = json::array();
  json failures = json::array();
  for (const auto& name : names) {
    if (call.backend.has(name)) {
      found.push_back(scanning_of(call, call.backend.find(name)));
    } else {
      failures.push_back({{"repositoryName", name},
                          {"failureCode", "REPOSITORY_NOT_FOUND"},
                          {"failureReason", call.backend.no_repository(name).message}});
    }
  }
  return {{"scanningConfigurations", found}, {"failures", failures}};
}

std::string principal_arn(const ApiCall& call) {
  std::string arn = call.input.text("principalArn");
  if (!arn.starts_with("arn:") || arn.find(":iam::") == std::string::npos) {
    throw invalid_parameter("principalArn", "must be the ARN of an IAM principal");
  }
  return arn;
}

json register_pull_time_update_exclusion(const ApiCall& call) {
  const std::string arn = principal_arn(call);
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) {
    if (!settings.exclusions.insert(arn).second) {
      throw Refusal{"ExclusionAlreadyExistsException", "The principal '" + arn + "' is excluded already"};
    }
  });
  return {{"principalArn", arn}, {"createdAt", epoch(call.backend.clock().now())}};
}

json deregister_pull_time_update_exclusion(const ApiCall& call) {
  const std::string arn = principal_arn(call);
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) {
    if (settings.exclusions.erase(arn) == 0) {
      throw Refusal{"ExclusionNotFoundException", "The principal '" + arn + "' is not excluded"};
    }
  });
  return {{"principalArn", arn}};
}

json list_pull_time_update_exclusions(const ApiCall& call) {
  call.admit();
  const auto excluded = call.backend.settings().exclusions;
  const std::vector<std::string> all(excluded.begin(), excluded.end());
  return paged(call.input, "pullTimeUpdateExclusions", std::vector<json>(all.begin(), all.end()));
}

}  // namespace

void add_registry_operations(ApiOperations& all) {
  all["GetAuthorizationToken"] = get_authorization_token;
  all["DescribeRegistry"] = describe_registry;
  all["GetAccountSetting"] = get_account_setting;
  all["PutAccountSetting"] = put_account_setting;
  all["PutReplicationConfiguration"] = put_replication_configuration;
  all["PutRegistryPolicy"] = put_registry_policy;
  all["GetRegistryPolicy"] = get_registry_policy;
  all["DeleteRegistryPolicy"] = delete_registry_policy;
  all["PutRegistryScanningConfiguration"] = put_registry_scanning_configuration;
  all["GetRegistryScanningConfiguration"] = get_registry_scanning_configuration;
  all["BatchGetRepositoryScanningConfiguration"] = batch_get_repository_scanning_configuration;
  all["RegisterPullTimeUpdateExclusion"] = register_pull_time_update_exclusion;
  all["DeregisterPullTimeUpdateExclusion"] = deregister_pull_time_update_exclusion;
  all["ListPullTimeUpdateExclusions"] = list_pull_time_update_exclusions;
}

}  // namespace davit::emulator
