#include "client/registries.h"

#include <algorithm>

#include "aws/ecr_authorizer.h"
#include "aws/ecr_native.h"
#include "aws/sts.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/certificates.h"
#include "client/ecr_reference.h"

namespace davit::client {
namespace {

/// A loopback address written as such, or `localhost`: the hosts that speak plain HTTP unless told otherwise.
bool is_local(std::string_view host) {
  const auto colon = host.starts_with('[') ? host.find("]:") : host.rfind(':');
  std::string_view name =
      host.substr(0, host.starts_with('[') && colon != std::string_view::npos ? colon + 1 : colon);
  return name == "localhost" || name == "[::1]" ||
         (name.starts_with("127.") &&
          std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }));
}

registry::Kind kind_of(const std::optional<aws::EcrSite>& site) {
  if (!site) return registry::Kind::distribution;
  return site->host.is_public ? registry::Kind::ecr_public : registry::Kind::ecr;
}

}  // namespace

Registries::Registries(const ClientOptions& options, net::Transport& transport, Clock& clock, Log log)
    : options_(options),
      transport_(transport),
      clock_(clock),
      log_(log),
      principals_(options.aws_environment, transport, clock, std::move(log)) {}

const RegistryOptions& Registries::options_for(const std::string& host) const {
  const auto found = options_.registries.find(host);
  return found == options_.registries.end() ? options_.any_registry : found->second;
}

bool Registries::plain_http(const std::string& host) const {
  return options_for(host).plain_http.value_or(is_local(host));
}

Result<registry::Registry*> Registries::registry(const std::string& host, Side side) {
  MutexLock lock(mutex_);
  DAVIT_TRY(Host * at, host_for(host, side));
  return at->registry.get();
}

Result<net::Url> Registries::origin(const std::string& host) {
  MutexLock lock(mutex_);
  DAVIT_TRY(const Host* known, host_for(host, Side::source));
  return known->registry->base();
}

AwsIdentity Registries::identity_for(const std::string& host, Side side) const {
  const AwsIdentity& of_side = side == Side::destination ? options_.destination_aws : options_.source_aws;
  const AwsIdentity given = merged(of_side, options_.aws);
  return host.empty() ? given : merged(given, options_for(host).aws);
}

Result<std::optional<aws::EcrSite>> Registries::ecr_site(const std::string& host) const {
  const std::optional<EcrRegistry>& ecr = options_for(host).ecr;
  if (!ecr) {
    auto named = aws::parse_ecr_host(host);
    if (!named) return std::optional<aws::EcrSite>();
    return std::optional(aws::EcrSite{.host = *std::move(named)});
  }
  const bool is_public = ecr->account == "public";
  if ((!is_public && !aws::is_account(ecr->account)) || !aws::is_region(ecr->region))
    return make_error(Errc::invalid_argument,
                      "registry " + host + ": \"" + escaped(ecr->account, 40) + "." +
                          escaped(ecr->region, 60) + "\" is not an AWS account and a region",
                      "an account has twelve digits: 123456789012.eu-west-1");
  return std::optional(aws::EcrSite{.host = {.account = is_public ? "" : ecr->account,
                                             .region = ecr->region,
                                             .form = {},
                                             .is_public = is_public},
                                    .api_endpoint = ecr->api_endpoint});
}

std::vector<std::shared_ptr<CredentialSource>> Registries::credentials_for(Side side) const {
  std::vector<std::shared_ptr<CredentialSource>> out;
  if (side == Side::source) out = options_.source_credentials;
  if (side == Side::destination) out = options_.destination_credentials;
  out.insert(out.end(), options_.credentials.begin(), options_.credentials.end());
  return out;
}

aws::EcrSources Registries::ecr_sources(Side side) const {
  aws::EcrSources out;
  for (const auto& source : credentials_for(side))
    (source->chosen() ? out.chosen : out.machine).push_back(source);
  return out;
}

std::shared_ptr<registry::Limits> Registries::limits_for(const std::string& host,
                                                         const std::optional<aws::EcrSite>& site) {
  const std::string key = site ? site->host.account + '\n' + site->host.region : host;
  std::shared_ptr<registry::Limits>& limits = limits_[key];
  if (!limits) {
    const registry::Quirks& quirks = registry::quirks_of(kind_of(site));
    limits = std::make_shared<registry::Limits>(quirks.rates, options_for(host).limits, clock_);
  }
  return limits;
}

std::vector<PullQuota> Registries::pull_quotas() {
  std::map<std::string, PullQuota> found;
  MutexLock lock(mutex_);
  for (auto& [key, host] : hosts_) {
    if (const auto quota = host.registry->wire().pull_quota())
      found.insert_or_assign(quota->registry, *quota);
  }
  std::vector<PullQuota> out;
  out.reserve(found.size());
  for (auto& [name, quota] : found) out.push_back(std::move(quota));
  return out;
}

Result<Registries::Host*> Registries::host_for(const std::string& host, Side side) {
  DAVIT_TRY(const std::optional<aws::EcrSite> site, ecr_site(host));
  const AwsIdentity who = identity_for(host, side);
  std::string key = site ? host + '\n' + key_of(who) : host;
  if (!options_.source_credentials.empty() || !options_.destination_credentials.empty())
    key += side == Side::destination ? "\ndestination" : "\nsource";
  const auto known = hosts_.find(key);
  if (known != hosts_.end()) return &known->second;
  Host made;
  registry::RegistryOptions settings{
      .host = host, .plain_http = plain_http(host), .chunk_bytes = options_.chunk_size, .spooled = spooled_};
  settings.retry.most_tries = options_.retries;
  settings.limits = limits_for(host, site);
  // The registry knows its own address (Docker Hub is served elsewhere), the authorizer is made for that
  // address.
  DAVIT_TRY(const net::Url base, registry::base_url(settings));
  const RegistryOptions& user = options_for(host);
  DAVIT_TRY(Certificates files, certificates_for(host, user, options_.certificate_directories));
  transport_.set_tls(base.host_port(), {.ca_files = std::move(files.authorities),
                                        .cert_file = std::move(files.certificate),
                                        .key_file = std::move(files.key),
                                        .verify = user.verify_tls});
  if (site) {
    Principal& principal = principals_.of(who);
    aws::EcrAuthorizerOptions options{.host = host,
                                      .origin = base,
                                      .site = *site,
                                      .sources = ecr_sources(side),
                                      .allowed_realms = user.allow_realms};
    made.authorizer =
        aws::make_ecr_authorizer(std::move(options), *principal.tokens, transport_, clock_, log_);
    made.native = aws::make_ecr_native(*principal.api, *principal.identity, *site, settings.limits.get());
    settings.kind = kind_of(site);
    settings.native = made.native.get();
  } else {
    made.authorizer = auth::make_authorizer({.host = host,
                                             .origin = base,
                                             .credentials = credentials_for(side),
                                             .allowed_realms = user.allow_realms},
                                            transport_, clock_);
  }
  DAVIT_TRY(made.registry,
            registry::Registry::create(settings, transport_, made.authorizer.get(), clock_, log_));
  return &hosts_.emplace(key, std::move(made)).first->second;
}

Result<std::shared_ptr<registry::Repository>> Registries::repository(
    const std::string& host, const std::string& name, Side side, const std::optional<NewRepository>& create) {
  MutexLock lock(mutex_);
  DAVIT_TRY(Host * at, host_for(host, side));
  std::string key = host + "/" + name + (side == Side::destination ? " destination" : " source");
  if (create) {
    key += std::string(create->immutable ? " immutable" : "") + (create->scan ? " scan" : "") + " " +
           create->kms_key;
    for (const std::string& each : create->mutable_tags) key += '\n' + each;
    for (const auto& [name_of_tag, value] : create->resource_tags) key += '\n' + name_of_tag + '=' + value;
    key += '\n' + create->lifecycle_policy;
  }
  std::shared_ptr<registry::Repository>& repository = repositories_[key];
  if (!repository) repository = at->registry->repository(name, side, create);
  return repository;
}

/// The name under which an account's registry in a region is reached: one that the settings declare, or
/// AWS's.
std::string Registries::host_of(const std::string& account, const std::string& region) const {
  for (const auto& [host, registry] : options_.registries) {
    if (registry.ecr && registry.ecr->account == account && registry.ecr->region == region) return host;
  }
  return aws::ecr_host_name(account, region);
}

Result<std::string> Registries::account_of(Principal& who, const std::string& region,
                                           const CallContext& context) {
  DAVIT_TRY(const aws::Credentials credentials, who.identity->credentials(context));
  if (aws::is_account(credentials.account)) return credentials.account;
  // The login that is needed anyway names the registry it is for.
  const aws::EcrSite unknown{.host = {.account = {}, .region = region}};
  if (const auto token = who.tokens->get(unknown, context)) {
    const auto url = net::Url::parse(token->proxy_endpoint);
    const auto named = url ? aws::parse_ecr_host(url->host()) : std::nullopt;
    if (named && named->region == region && !named->account.empty()) {
      who.tokens->share(unknown, {.host = *named});
      return named->account;
    }
  }
  DAVIT_TRY(const aws::CallerIdentity caller, aws::get_caller_identity(*who.api, *who.identity, context));
  if (!aws::is_account(caller.account))
    return make_error(Errc::protocol,
                      "GetCallerIdentity: \"" + escaped(caller.account, 40) + "\" is not an account");
  return caller.account;
}

Result<std::string> Registries::expanded(std::string_view text, Side side, const CallContext& context) {
  if (!is_ecr_reference(text)) return std::string(text);
  DAVIT_TRY(EcrReference reference, parse_ecr_reference(text));
  if (reference.region.empty() || reference.account.empty()) {
    Principal& who = principals_.of(identity_for("", side));
    if (reference.region.empty()) {
      DAVIT_TRY(reference.region, who.identity->region(context));
      if (reference.region.empty())
        return make_error(Errc::invalid_argument,
                          "\"" + escaped(text, 160) + "\": the AWS settings name no region",
                          "give --region or AWS_REGION, or write ecr:REGION/" + escaped(reference.rest, 120));
      // It becomes a part of the host's name, and that host is shown a password.
      if (!aws::is_region(reference.region))
        return make_error(Errc::invalid_argument, "the region of the AWS settings, \"" +
                                                      escaped(reference.region, 80) +
                                                      "\", is not one that AWS could have");
    }
    if (reference.account.empty()) {
      auto account = account_of(who, reference.region, context);
      if (!account) return account.error().with_context("find the account of \"" + escaped(text, 160) + "\"");
      reference.account = *account;
    }
  }
  return host_of(reference.account, reference.region) + "/" + reference.rest;
}

}  // namespace davit::client
