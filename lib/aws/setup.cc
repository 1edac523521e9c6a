#include "aws/setup.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/docker_config.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

/// Regions that STS served from one host before it had regions.
constexpr std::array<std::string_view, 16> kLegacySts = {
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
    "eu-central-1",   "eu-north-1", "eu-west-1",      "eu-west-2",      "eu-west-3",  "sa-east-1",
    "us-east-1",      "us-east-2",  "us-west-1",      "us-west-2"};

bool says_true(std::string_view text) {
  return same_but_case(text, "true");
}

/// How the settings call a service: AWS_ENDPOINT_URL_<this>, and the block in a services section.
struct ServiceNames {
  const char* variable;
  const char* block;
};
ServiceNames names_of(Service service) {
  switch (service) {
    case Service::ecr:
      return {"AWS_ENDPOINT_URL_ECR", "ecr.endpoint_url"};
    case Service::ecr_public:
      return {"AWS_ENDPOINT_URL_ECR_PUBLIC", "ecr_public.endpoint_url"};
    case Service::sts:
      return {"AWS_ENDPOINT_URL_STS", "sts.endpoint_url"};
    case Service::sso:
      return {"AWS_ENDPOINT_URL_SSO", "sso.endpoint_url"};
    case Service::sso_oidc:
      break;
  }
  return {"AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc.endpoint_url"};
}

/// A file at its usual place need not be readable; one that a variable names must be.
Result<Secret> read_file(const Setup& setup, const char* variable, const char* usual) {
  const std::string named = setup.variable(variable);
  const std::string path = named.empty() ? setup.at_home(usual) : setup.expanded(named);
  if (path.empty()) return Secret();
  using Absence = auth::AuthFile::Absence;
  const auth::AuthFile file{.path = path,
                            .absence = named.empty() ? Absence::fine_if_unreadable : Absence::fine};
  DAVIT_TRY(std::optional<Secret> text, auth::read_auth_file(file));
  return std::move(text).value_or(Secret());
}

}  // namespace

Result<Setup> Setup::read(AwsIdentity who, AwsEnvironment environment) {
  Setup setup{.who = std::move(who), .environment = std::move(environment), .files = {}};
  DAVIT_TRY(const Secret config, read_file(setup, "AWS_CONFIG_FILE", ".aws/config"));
  DAVIT_TRY(const Secret credentials, read_file(setup, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"));
  DAVIT_TRY(setup.files, ProfileFiles::parse(config.reveal(), credentials.reveal()));
  return setup;
}

std::string Setup::variable(std::string_view name) const {
  const auto found = environment.variables.find(std::string(name));
  return found == environment.variables.end() ? std::string() : found->second;
}

std::string Setup::profile_key(std::string_view key) const {
  const Settings* settings = files.profile(profile());
  return settings == nullptr || key.empty() ? std::string() : settings->text(key);
}

std::string Setup::setting(std::string_view variable_name, std::string_view key) const {
  std::string value = variable_name.empty() ? std::string() : variable(variable_name);
  return value.empty() ? profile_key(key) : value;
}

bool Setup::is_on(std::string_view variable_name, std::string_view key) const {
  return says_true(setting(variable_name, key));
}

std::string Setup::profile() const {
  for (const std::string& name : {who.profile, variable("AWS_PROFILE"), variable("AWS_DEFAULT_PROFILE")}) {
    if (!name.empty()) return name;
  }
  return "default";
}

bool Setup::profile_is_chosen() const {
  return !who.profile.empty() || !variable("AWS_PROFILE").empty() || !variable("AWS_DEFAULT_PROFILE").empty();
}

std::string Setup::at_home(std::string_view path) const {
  const std::string home = variable("HOME");
  return home.empty() ? std::string() : home + "/" + std::string(path);
}

std::string Setup::expanded(const std::string& path) const {
  return path.starts_with("~/") ? at_home(path.substr(2)) : path;
}

std::string Setup::region() const {
  if (!who.region.empty()) return who.region;
  if (std::string region = variable("AWS_REGION"); !region.empty()) return region;
  return setting("AWS_DEFAULT_REGION", "region");
}

std::string Setup::configured_url(Service service) const {
  if (is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")) return {};
  const ServiceNames names = names_of(service);
  for (const char* name : {names.variable, "AWS_ENDPOINT_URL"}) {
    if (std::string url = variable(name); !url.empty()) return url;
  }
  if (const Settings* services = files.services(profile_key("services")); services != nullptr) {
    if (std::string url = services->text(names.block); !url.empty()) return url;
  }
  return profile_key("endpoint_url");
}

Result<Endpoint> Setup::endpoint(Service service, const std::string& region, const EndpointForm& form) const {
  EndpointForm wanted = form;
  wanted.fips |= is_on("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  const bool dual_stack_set = is_on("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  wanted.dual_stack |= dual_stack_set;
  const std::string url = configured_url(service);
  if (!url.empty()) {
    if (wanted.fips || dual_stack_set) {
      return make_error(Errc::invalid_argument,
                        std::string("an AWS endpoint of your own and ") +
                            (wanted.fips ? "FIPS" : "dual-stack") + " endpoints are both asked for",
                        std::string("unset the one that is not meant: ") + names_of(service).variable +
                            ", AWS_ENDPOINT_URL or endpoint_url; AWS_USE_FIPS_ENDPOINT or "
                            "AWS_USE_DUALSTACK_ENDPOINT");
    }
    auto own = configured_endpoint(service, region, url);
    if (!own) return own.error().with_context("configured AWS endpoint");
    return own;
  }
  const bool legacy = service == Service::sts && !wanted.fips && !wanted.dual_stack &&
                      setting("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints") == "legacy" &&
                      std::ranges::find(kLegacySts, region) != kLegacySts.end();
  return aws_endpoint(service, legacy ? "aws-global" : region, wanted);
}

}  // namespace davit::aws
