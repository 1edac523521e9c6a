// Policies of repositories.
#include <nlohmann/json.hpp>

#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/repository_input.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

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
  const std::string text = read_policy(call.input, "policyText", 10'240);
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
  const std::string text = read_lifecycle_policy(call.input, "lifecyclePolicyText");
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

void add_settings_operations(ApiOperations& all) {
  all["SetRepositoryPolicy"] = set_repository_policy;
  all["GetRepositoryPolicy"] = get_repository_policy;
  all["DeleteRepositoryPolicy"] = delete_repository_policy;
  all["PutLifecyclePolicy"] = put_lifecycle_policy;
  all["GetLifecyclePolicy"] = get_lifecycle_policy;
  all["DeleteLifecyclePolicy"] = delete_lifecycle_policy;
}

}  // namespace davit::emulator
