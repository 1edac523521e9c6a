// What the client does with ECR besides moving images: logins, and repositories and their settings.

#include <davit/client.h>
#include <davit/reference.h>

#include "auth/credential_cache.h"
#include "aws/ecr_api.h"
#include "aws/ecr_login.h"
#include "aws/ecr_native.h"
#include "aws/sts.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/ecr_reference.h"
#include "crypto/base64.h"

namespace davit {
namespace {

constexpr std::string_view kNoEcr =
    "a registry host such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com, or ecr:REPOSITORY";

Error not_ecr(std::string_view host) {
  return make_error(Errc::invalid_argument, escaped(host, 120) + " is not an ECR registry",
                    "write " + std::string(kNoEcr));
}

/// "https://HOST/v2/" as Docker configurations write it, or just HOST.
std::string bare_host(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  }
  return lower_case(text.substr(0, text.find('/')));
}

/// Why `text` is not read as a repository of ECR, where it could still be read as something else.
Result<> check_names_repository(std::string_view text) {
  // A user in front of a registry alone, too.
  if (const std::string whole = std::string(text) + "/"; Reference::holds_credentials(whole))
    return client::bad_argument(whole, "");
  if (client::is_ecr_reference(text) || text.find('/') != std::string_view::npos) return {};
  const std::string_view name = text.substr(0, text.find(':'));
  if (name.find('.') != std::string_view::npos || name == "localhost")
    return make_error(Errc::invalid_argument, escaped(text, 120) + " is a registry, and no repository of it",
                      "write " + escaped(text, 120) + "/REPOSITORY");
  return make_error(Errc::invalid_argument, escaped(text, 120) + " is not a repository of ECR",
                    "write ecr:" + escaped(name, 120) + ", or the registry's host name in front");
}

/// A repository has no tag, and dropping one silently would hide a slip of the pen.
Result<> check_names_no_image(std::string_view text, const Reference& reference) {
  if (reference.tag.empty() && !reference.digest) return {};
  std::string_view bare = text.substr(0, text.find('@'));
  if (!reference.tag.empty() && bare.ends_with(":" + reference.tag))
    bare.remove_suffix(reference.tag.size() + 1);
  return make_error(Errc::invalid_argument,
                    escaped(text, 200) + " is an image, and this is about a whole repository",
                    "write " + escaped(bare, 200));
}

/// One repository of an ECR registry, and the calls about it.
struct EcrRepositoryCalls {
  Reference reference;
  aws::EcrApi api;
};

Result<EcrRepositoryCalls> calls_for(client::Registries& registries, std::string_view text,
                                     const CallContext& context) {
  DAVIT_TRY_VOID(check_names_repository(text));
  DAVIT_TRY(const std::string written, registries.expanded(text, Side::destination, context));
  DAVIT_TRY(Reference reference, Reference::parse(written));
  DAVIT_TRY_VOID(check_names_no_image(text, reference));
  DAVIT_TRY(const auto site, registries.ecr_site(reference.host));
  if (!site) return not_ecr(reference.host);
  client::Principal& who =
      registries.principals().of(registries.identity_for(reference.host, Side::destination));
  return EcrRepositoryCalls{.reference = std::move(reference),
                            .api = aws::EcrApi(*who.api, *who.identity, *site)};
}

RepositoryInfo info_of(const Reference& reference, const aws::EcrRepository& found) {
  return {.name = reference.name(),
          .arn = found.arn,
          .tag_mutability = found.mutability.empty() ? "MUTABLE" : found.mutability,
          .mutable_tags = found.exclusions,
          .scan = found.scan_on_push,
          .encryption = found.encryption.empty() ? "AES256" : found.encryption,
          .kms_key = found.kms_key,
          .resource_tags = {}};
}

std::string with_patterns(const std::string& mutability, const std::vector<std::string>& patterns) {
  std::string out = mutability;
  for (const std::string& each : patterns) out += " " + escaped(each, 130);
  return out;
}

}  // namespace

Result<AwsCaller> Client::aws_caller(std::string_view host, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  client::Principal& who =
      impl_->registries.principals().of(impl_->registries.identity_for(bare_host(host), Side::source));
  DAVIT_TRY(const aws::Credentials credentials, who.identity->credentials(context));
  DAVIT_TRY(const aws::CallerIdentity caller, aws::get_caller_identity(*who.api, *who.identity, context));
  DAVIT_TRY(const std::string region, who.identity->region(context));
  return AwsCaller{.account = caller.account,
                   .arn = caller.arn,
                   .user_id = caller.user_id,
                   .key_id = credentials.keys.id,
                   .source = credentials.source,
                   .region = region,
                   .expires = credentials.expires};
}

Result<RegistryLogin> Client::login_for(std::string_view server, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  if (server.find('@') != std::string_view::npos)
    return make_error(Errc::invalid_argument, "what holds a user is not a registry", "write its host name");
  std::string host = bare_host(server);
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = "docker.io";
  DAVIT_TRY(const auto site, impl_->registries.ecr_site(host));
  RegistryLogin out{.server = std::string(server), .username = {}, .password = {}, .source = {}};
  auth::SharedCredential found;
  if (site) {
    client::Principal& who =
        impl_->registries.principals().of(impl_->registries.identity_for(host, Side::source));
    aws::EcrLogins logins(host, *site, impl_->registries.ecr_sources(Side::local), *who.tokens,
                          Clock::system(), impl_->log);
    DAVIT_TRY(const aws::EcrLogin login, logins.find("", context));
    if (login.from == aws::EcrLogin::From::aws) {
      DAVIT_TRY(const std::string plain, crypto::base64_decode(login.token.text.reveal()));
      const auto colon = plain.find(':');
      out.username = plain.substr(0, colon);
      out.password = Secret(plain.substr(colon + 1));
      out.source = "AWS";
      return out;
    }
    // In the public gallery nobody is somebody, too.
    if (login.from == aws::EcrLogin::From::nobody && login.aws_error && !site->host.is_public)
      return *login.aws_error;
    found = login.credential;
  } else {
    auth::CredentialCache stored(host, impl_->options.credentials);
    DAVIT_TRY(found, stored.find("", context));
  }
  if (found == nullptr)
    return make_error(Errc::not_found, "no credentials for " + escaped(host, 120),
                      "davit login " + escaped(host, 120));
  if (found->password.empty() && found->identity_token.empty())
    return make_error(Errc::unsupported,
                      "what is stored for " + escaped(host, 120) + " is a bearer token, and no password");
  out.username = found->identity_token.empty() ? found->username : "<token>";
  out.password = found->identity_token.empty() ? found->password : found->identity_token;
  out.source = "stored credentials";
  return out;
}

Result<RepositoryInfo> Client::create_repository(std::string_view repository, const NewRepository& how,
                                                 std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  DAVIT_TRY(EcrRepositoryCalls calls, calls_for(impl_->registries, repository, context));
  auto made = calls.api.create_repository(aws::settings_for(calls.reference.repository, how), context);
  if (!made) return made.error().with_context("create " + calls.reference.name());
  RepositoryInfo info = info_of(calls.reference, *made);
  info.resource_tags = how.resource_tags;
  return info;
}

Result<RepositoryInfo> Client::repository_info(std::string_view repository, std::stop_token stop) {
  const CallContext context{.stop = std::move(stop)};
  DAVIT_TRY(EcrRepositoryCalls calls, calls_for(impl_->registries, repository, context));
  auto found = calls.api.describe_repository(calls.reference.repository, context);
  if (!found) return found.error().with_context("look at " + calls.reference.name());
  RepositoryInfo info = info_of(calls.reference, *found);
  // Costs a right of its own; what it shows is not worth failing for.
  if (auto tags = calls.api.resource_tags(found->arn, context)) info.resource_tags = *std::move(tags);
  return info;
}

Result<std::vector<std::string>> Client::adjust_repository(std::string_view repository,
                                                           const RepositoryWishes& wishes, Adjust how,
                                                           std::stop_token stop) {
  const CallContext context{.stop = stop};
  DAVIT_TRY(EcrRepositoryCalls calls, calls_for(impl_->registries, repository, context));
  DAVIT_TRY(const RepositoryInfo now, repository_info(repository, std::move(stop)));
  const std::string& name = calls.reference.repository;
  const bool apply = how == Adjust::apply;
  const bool other_key = !wishes.kms_key.empty() && wishes.kms_key != "default" &&
                         !now.kms_key.ends_with(wishes.kms_key);  // named by its id, or whole
  if (!wishes.kms_key.empty() && (!now.encryption.starts_with("KMS") || other_key)) {
    return make_error(Errc::conflict,
                      now.name + ": the encryption is " + now.encryption +
                          (now.kms_key.empty() ? "" : " with " + now.kms_key) +
                          " and cannot be changed later",
                      "make a new repository and copy the images");
  }
  std::vector<std::string> changes;
  if (wishes.immutable) {
    const aws::EcrRepositorySettings settings =
        aws::settings_for(name, {.immutable = *wishes.immutable, .mutable_tags = wishes.mutable_tags});
    const std::string mutability = settings.mutability.empty() ? "MUTABLE" : settings.mutability;
    if (mutability != now.tag_mutability || settings.exclusions != now.mutable_tags) {
      changes.push_back("tag mutability: " + with_patterns(now.tag_mutability, now.mutable_tags) + " -> " +
                        with_patterns(mutability, settings.exclusions));
      if (apply) DAVIT_TRY_VOID(calls.api.put_tag_mutability(name, mutability, settings.exclusions, context));
    }
  }
  if (wishes.scan && *wishes.scan != now.scan) {
    changes.push_back(std::string("scan on push: ") + (now.scan ? "on -> off" : "off -> on"));
    if (apply) DAVIT_TRY_VOID(calls.api.put_scan_on_push(name, *wishes.scan, context));
  }
  std::map<std::string, std::string> missing;
  for (const auto& [key, value] : wishes.resource_tags) {
    const auto there = now.resource_tags.find(key);
    if (there != now.resource_tags.end() && there->second == value) continue;
    missing[key] = value;
    changes.push_back("resource tag " + escaped(key, 100) + ": " +
                      (there == now.resource_tags.end() ? "(none)" : escaped(there->second, 100)) + " -> " +
                      escaped(value, 100));
  }
  if (apply && !missing.empty()) DAVIT_TRY_VOID(calls.api.tag_resource(now.arn, missing, context));
  return changes;
}

}  // namespace davit
