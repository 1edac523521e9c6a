// Rules for what happens to repositories and images by themselves: creation templates, pull through caches,
// and managed signing.
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include <davit/reference.h>

#include "base/json.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/repository_input.h"

namespace davit::emulator {
namespace {

using nlohmann::json;
using Rules = std::map<std::string, std::string>;  // JSON by prefix

/// A prefix of repository names without the slash that it ends in, said or not; or ROOT.
std::string read_prefix(const Input& input, const char* member, std::size_t most) {
  std::string prefix = input.text(member);
  if (prefix.ends_with('/')) prefix.pop_back();
  if (prefix.size() > most || (prefix != "ROOT" && !Reference::is_repository(prefix))) {
    throw invalid_parameter(member, "must be a prefix of repository names, or ROOT");
  }
  return prefix;
}

/// Those with the prefixes that a request names, else all.
std::vector<json> chosen(const ApiCall& call, const char* member, const Rules& rules) {
  std::vector<std::string> wanted = call.input.texts(member, 0, 100);
  for (auto& prefix : wanted) {
    if (prefix.ends_with('/')) prefix.pop_back();
  }
  std::vector<json> out;
  for (const auto& [prefix, text] : rules) {
    if (wanted.empty() || std::ranges::find(wanted, prefix) != wanted.end()) out.push_back(*parse_json(text));
  }
  return out;
}

json with_account(const ApiCall& call, json answer) {
  answer["registryId"] = call.backend.place().account;
  return answer;
}

// Creation templates.

constexpr const char* kTemplate = "repositoryCreationTemplate";

/// What a request says about a template, over what there was.
json merged_template(const ApiCall& call, json made) {
  call.input.copy_to(made, {"description", "encryptionConfiguration", "resourceTags", "imageTagMutability",
                            "imageTagMutabilityExclusionFilters", "repositoryPolicy", "lifecyclePolicy",
                            "appliedFor", "customRoleArn"});
  made["updatedAt"] = epoch(call.backend.clock().now());
  const Input whole(made);
  static_cast<void>(read_template(whole));
  for (const auto& reason : whole.texts("appliedFor", 1, 3)) {
    if (reason != "REPLICATION" && reason != "PULL_THROUGH_CACHE" && reason != "CREATE_ON_PUSH") {
      throw invalid_parameter("appliedFor",
                              "Member must satisfy enum value set: "
                              "[REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH]");
    }
  }
  return made;
}

Refusal no_template(const std::string& prefix) {
  return {"TemplateNotFoundException",
          "The repository creation template with prefix '" + prefix + "' does not exist"};
}

json create_template(const ApiCall& call) {
  const std::string prefix = read_prefix(call.input, "prefix", 256);
  const json made = merged_template(
      call, {{"prefix", call.input.text("prefix")}, {"createdAt", epoch(call.backend.clock().now())}});
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) {
    if (!settings.templates.emplace(prefix, made.dump()).second) {
      throw Refusal{"TemplateAlreadyExistsException",
                    "The repository creation template with prefix '" + prefix + "' already exists"};
    }
  });
  return with_account(call, {{kTemplate, made}});
}

json update_template(const ApiCall& call) {
  const std::string prefix = read_prefix(call.input, "prefix", 256);
  call.admit();
  json made;
  call.backend.change_settings([&](RegistrySettings& settings) {
    const auto found = settings.templates.find(prefix);
    if (found == settings.templates.end()) throw no_template(prefix);
    made = merged_template(call, *parse_json(found->second));
    found->second = made.dump();
  });
  return with_account(call, {{kTemplate, made}});
}

json describe_templates(const ApiCall& call) {
  call.admit();
  return with_account(call, paged(call.input, "repositoryCreationTemplates",
                                  chosen(call, "prefixes", call.backend.settings().templates)));
}

json delete_template(const ApiCall& call) {
  const std::string prefix = read_prefix(call.input, "prefix", 256);
  call.admit();
  json gone;
  call.backend.change_settings([&](RegistrySettings& settings) {
    const auto found = settings.templates.find(prefix);
    if (found == settings.templates.end()) throw no_template(prefix);
    gone = *parse_json(found->second);
    settings.templates.erase(found);
  });
  return with_account(call, {{kTemplate, gone}});
}

// Pull through caches.

/// The upstreams that ECR knows, by their hosts.
std::string upstream_of(const ApiCall& call, const std::string& host) {
  struct Upstream {
    std::string_view host;
    const char* name;
  };
  constexpr std::array kUpstreams{Upstream{"public.ecr.aws", "ecr-public"},
                                  Upstream{"quay.io", "quay"},
                                  Upstream{"registry.k8s.io", "k8s"},
                                  Upstream{"registry-1.docker.io", "docker-hub"},
                                  Upstream{"ghcr.io", "github-container-registry"},
                                  Upstream{"registry.gitlab.com", "gitlab-container-registry"},
                                  Upstream{"cgr.dev", "chainguard"}};
  const auto known = std::ranges::find(kUpstreams, std::string_view(host), &Upstream::host);
  if (known != kUpstreams.end()) return known->name;
  if (host.ends_with(".azurecr.io")) return "azure-container-registry";
  if (host == call.backend.place().registry || host.find(".dkr.ecr.") != std::string::npos) return "ecr";
  throw Refusal{"UnsupportedUpstreamRegistryException",
                "The upstream registry '" + host + "' is not supported"};
}

void check_secret(const Input& input) {
  const std::string secret = input.text_or("credentialArn", "");
  if (!secret.empty() && secret.find(":secret:ecr-pullthroughcache/") == std::string::npos) {
    throw Refusal{"UnableToAccessSecretException",
                  "The name of the secret must begin with ecr-pullthroughcache/: " + secret};
  }
}

Refusal no_rule(const std::string& prefix) {
  return {"PullThroughCacheRuleNotFoundException",
          "The pull through cache rule with ecrRepositoryPrefix '" + prefix + "' does not exist"};
}

json create_cache_rule(const ApiCall& call) {
  const std::string prefix = read_prefix(call.input, "ecrRepositoryPrefix", 30);
  std::string host = call.input.text("upstreamRegistryUrl");
  if (const auto scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
  host = host.substr(0, host.find('/'));
  check_secret(call.input);
  const double now = epoch(call.backend.clock().now());
  json made = {{"ecrRepositoryPrefix", prefix},
               {"upstreamRegistryUrl", host},
               {"upstreamRegistry", upstream_of(call, host)},
               {"upstreamRepositoryPrefix", "ROOT"},
               {"registryId", call.backend.place().account},
               {"createdAt", now},
               {"updatedAt", now}};
  if (call.input.has("upstreamRepositoryPrefix")) {
    made["upstreamRepositoryPrefix"] = read_prefix(call.input, "upstreamRepositoryPrefix", 256);
  }
  call.input.copy_to(made, {"credentialArn", "customRoleArn"});
  call.admit();
  call.backend.change_settings([&](RegistrySettings& settings) {
    if (!settings.cache_rules.emplace(prefix, made.dump()).second) {
      throw Refusal{"PullThroughCacheRuleAlreadyExistsException",
                    "A pull through cache rule with ecrRepositoryPrefix '" + prefix + "' already exists"};
    }
  });
  return made;
}

/// Does something to the rule that the request names; the rule as it is then.
json with_rule(const ApiCall& call, const std::function<void(Rules&, Rules::iterator)>& change) {
  const std::string prefix = read_prefix(call.input, "ecrRepositoryPrefix", 30);
  call.admit();
  json rule;
  call.backend.change_settings([&](RegistrySettings& settings) {
    const auto found = settings.cache_rules.find(prefix);
    if (found == settings.cache_rules.end()) throw no_rule(prefix);
    rule = *parse_json(found->second);
    change(settings.cache_rules, found);
  });
  return rule;
}

json update_cache_rule(const ApiCall& call) {
  check_secret(call.input);
  json made;
  static_cast<void>(with_rule(call, [&](Rules&, Rules::iterator rule) {
    made = *parse_json(rule->second);
    call.input.copy_to(made, {"credentialArn", "customRoleArn"});
    made["updatedAt"] = epoch(call.backend.clock().now());
    rule->second = made.dump();
  }));
  return made;
}

json delete_cache_rule(const ApiCall& call) {
  return with_rule(call, [](Rules& all, Rules::iterator rule) { all.erase(rule); });
}

json validate_cache_rule(const ApiCall& call) {
  json out = with_rule(call, [](Rules&, Rules::iterator) {});
  out["isValid"] = true;
  return out;
}

json describe_cache_rules(const ApiCall& call) {
  call.admit();
  const auto rules = call.backend.settings().cache_rules;
  for (const auto& prefix : call.input.texts("ecrRepositoryPrefixes", 0, 100)) {
    if (!rules.contains(prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1) : prefix)) {
      throw no_rule(prefix);
    }
  }
  return paged(call.input, "pullThroughCacheRules", chosen(call, "ecrRepositoryPrefixes", rules));
}

// Signing.

json signing_answer(const ApiCall& call) {
  const std::string text = call.backend.settings().signing;
  if (text.empty()) {
    throw Refusal{"SigningConfigurationNotFoundException",
                  "Signing configuration does not exist in the registry "
                  "with id '" +
                      call.backend.place().account + "'"};
  }
  return with_account(call, {{"signingConfiguration", *parse_json(text)}});
}

json put_signing_configuration(const ApiCall& call) {
  const auto wanted = call.input.object("signingConfiguration");
  if (!wanted) throw invalid_parameter("signingConfiguration", "Member must not be null");
  json rules = json::array();
  for (const auto& rule : wanted->objects("rules", 1, 10)) {
    json made = {{"signingProfileArn", rule.text("signingProfileArn")}, {"repositoryFilters", json::array()}};
    for (const auto& filter : rule.objects("repositoryFilters", 0, 100)) {
      made["repositoryFilters"].push_back(
          {{"filter", filter.text("filter")},
           {"filterType", filter.one_of("filterType", "", {"WILDCARD_MATCH"})}});
    }
    rules.push_back(std::move(made));
  }
  call.admit();
  const json whole = {{"rules", rules}};
  call.backend.change_settings([&](RegistrySettings& settings) { settings.signing = whole.dump(); });
  return {{"signingConfiguration", whole}};
}

json get_signing_configuration(const ApiCall& call) {
  call.admit();
  return signing_answer(call);
}

json delete_signing_configuration(const ApiCall& call) {
  call.admit();
  json before = signing_answer(call);
  call.backend.change_settings([](RegistrySettings& settings) { settings.signing.clear(); });
  return before;
}

}  // namespace

void add_rule_operations(ApiOperations& all) {
  all["CreateRepositoryCreationTemplate"] = create_template;
  all["UpdateRepositoryCreationTemplate"] = update_template;
  all["DescribeRepositoryCreationTemplates"] = describe_templates;
  all["DeleteRepositoryCreationTemplate"] = delete_template;
  all["CreatePullThroughCacheRule"] = create_cache_rule;
  all["UpdatePullThroughCacheRule"] = update_cache_rule;
  all["DescribePullThroughCacheRules"] = describe_cache_rules;
  all["DeletePullThroughCacheRule"] = delete_cache_rule;
  all["ValidatePullThroughCacheRule"] = validate_cache_rule;
  all["PutSigningConfiguration"] = put_signing_configuration;
  all["GetSigningConfiguration"] = get_signing_configuration;
  all["DeleteSigningConfiguration"] = delete_signing_configuration;
}

}  // namespace davit::emulator
