#include "aws/ecr_api.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "aws/denial.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

using Json = nlohmann::json;

constexpr int kMostPages = 10;

constexpr std::string_view kManifestTypes[] = {"application/vnd.oci.image.index.v1+json",
                                               "application/vnd.oci.image.manifest.v1+json",
                                               "application/vnd.docker.distribution.manifest.list.v2+json",
                                               "application/vnd.docker.distribution.manifest.v2+json"};

/// Calls `ask` with at most `most` of `all` at a time.
template <class T, class Ask>
Result<> in_batches(std::span<const T> all, std::size_t most, const Ask& ask) {
  for (std::size_t at = 0; at < all.size(); at += most)
    DAVIT_TRY_VOID(ask(all.subspan(at, std::min(most, all.size() - at))));
  return {};
}

bool is_success(const net::Response& answer) {
  return answer.status >= 200 && answer.status <= 299;
}

Json tag_list(const std::map<std::string, std::string>& tags) {
  Json list = Json::array();
  for (const auto& [key, value] : tags) list.push_back(Json::object({{"Key", key}, {"Value", value}}));
  return list;
}

Json exclusion_list(const std::vector<std::string>& exclusions) {
  Json list = Json::array();
  for (const std::string& each : exclusions)
    list.push_back(Json::object({{"filterType", "WILDCARD"}, {"filter", each}}));
  return list;
}

Result<EcrRepository> only(std::vector<EcrRepository> found, std::string_view operation) {
  if (found.size() != 1) return make_error(Errc::protocol, std::string(operation) + ": no repository in it");
  return std::move(found.front());
}

/// What the protocol calls the same thing: ECR counts both together.
registry::Action action_of(std::string_view operation) {
  if (operation == "BatchCheckLayerAvailability") return registry::Action::check_blob;
  if (operation == "BatchGetImage") return registry::Action::read_manifest;
  return registry::Action::other;
}

}  // namespace

Result<Endpoint> EcrApi::endpoint() const {
  const Service service = site_.host.is_public ? Service::ecr_public : Service::ecr;
  if (site_.api_endpoint.empty()) return identity_.endpoint(service, site_.host.region, site_.host.form);
  return configured_endpoint(service, site_.host.region, site_.api_endpoint);
}

nlohmann::json EcrApi::about(const std::string& repository) const {
  Json out = Json::object();
  if (!site_.host.is_public) {
    out["repositoryName"] = repository;
    if (!site_.host.account.empty()) out["registryId"] = site_.host.account;
    return out;
  }
  const auto slash = repository.find('/');
  out["repositoryName"] = slash == std::string::npos ? repository : repository.substr(slash + 1);
  if (slash != std::string::npos) out["registryId"] = repository.substr(0, slash);
  return out;
}

Result<ApiAnswer> EcrApi::exchange(std::string_view operation, std::string body, const CallContext& context) {
  DAVIT_TRY(Endpoint where, endpoint());
  const ApiCall request{
      .operation = std::string(operation),
      .endpoint = std::move(where),
      .content_type = "application/x-amz-json-1.1",
      .target = (site_.host.is_public ? "SpencerFrontendService." : "AmazonEC2ContainerRegistry_V20150921.") +
                std::string(operation),
      .body = std::move(body),
      .limits = limits_,
      .action = action_of(operation)};
  return api_.send(request, context);
}

Error EcrApi::refused(std::string_view operation, const ApiAnswer& answer) const {
  const auto where = endpoint();
  if (!where) return where.error();
  Error error = ecr_refusal(std::string(operation), where->url, answer);
  error.attempts = answer.attempts;
  return error;
}

Result<std::string> EcrApi::call(std::string_view operation, std::string body, const CallContext& context) {
  DAVIT_TRY(ApiAnswer answer, exchange(operation, std::move(body), context));
  if (!is_success(answer)) return refused(operation, answer);
  return std::move(answer.body);
}

Result<EcrGrant> EcrApi::authorization_token(const CallContext& context) {
  DAVIT_TRY(const std::string body, call("GetAuthorizationToken", "{}", context));
  return parse_grant(body);
}

Result<std::vector<EcrLayer>> EcrApi::check_layers(const std::string& repository,
                                                   std::span<const Digest> digests,
                                                   const CallContext& context) {
  std::vector<EcrLayer> out;
  DAVIT_TRY_VOID(in_batches(digests, kBatch, [&](std::span<const Digest> some) -> Result<> {
    Json request = about(repository);
    request["layerDigests"] = Json::array();
    for (const Digest& each : some) request["layerDigests"].push_back(each.to_string());
    DAVIT_TRY(const std::string body, call("BatchCheckLayerAvailability", request.dump(), context));
    DAVIT_TRY(const std::vector<EcrLayer> found, parse_layers(body));
    out.insert(out.end(), found.begin(), found.end());
    return {};
  }));
  return out;
}

Result<EcrImages> EcrApi::get_images(const std::string& repository, std::span<const std::string> names,
                                     const CallContext& context) {
  EcrImages out;
  DAVIT_TRY_VOID(in_batches(names, kManifestBatch, [&](std::span<const std::string> some) -> Result<> {
    Json request = about(repository);
    request["imageIds"] = Json::array();
    request["acceptedMediaTypes"] = kManifestTypes;
    for (const std::string& each : some)
      request["imageIds"].push_back(
          Json::object({{each.find(':') == std::string::npos ? "imageTag" : "imageDigest", each}}));
    DAVIT_TRY(const std::string body, call("BatchGetImage", request.dump(), context));
    DAVIT_TRY(EcrImages found, parse_images(body));
    std::ranges::move(found.images, std::back_inserter(out.images));
    out.failures.merge(found.failures);
    return {};
  }));
  return out;
}

Result<EcrImagePage> EcrApi::describe_images(const std::string& repository, const std::string& next,
                                             const CallContext& context) {
  Json request = about(repository);
  // The public gallery knows no filter.
  if (!site_.host.is_public) request["filter"] = Json::object({{"tagStatus", "TAGGED"}});
  DAVIT_TRY(EcrImagePage found, image_page(std::move(request), next, context));
  std::erase_if(found.images, [](const EcrImageDetail& image) { return image.tags.empty(); });
  return found;
}

Result<EcrImagePage> EcrApi::describe_all_images(const std::string& repository, const std::string& next,
                                                 const CallContext& context) {
  return image_page(about(repository), next, context);
}

Result<EcrImagePage> EcrApi::image_page(Json request, const std::string& next, const CallContext& context) {
  request["maxResults"] = 1000;
  if (!next.empty()) request["nextToken"] = next;
  DAVIT_TRY(const std::string body, call("DescribeImages", request.dump(), context));
  DAVIT_TRY(EcrImagePage found, parse_image_page(body));
  if (!next.empty() && found.next == next)
    return make_error(Errc::protocol, "DescribeImages: a page that is followed by itself");
  return found;
}

Result<EcrImageDetail> EcrApi::describe_tag(const std::string& repository, const std::string& tag,
                                            const CallContext& context) {
  Json request = about(repository);
  request["imageIds"] = Json::array({Json::object({{"imageTag", tag}})});
  DAVIT_TRY(const std::string body, call("DescribeImages", request.dump(), context));
  DAVIT_TRY(EcrImagePage found, parse_image_page(body));
  for (EcrImageDetail& image : found.images) {
    if (std::ranges::find(image.tags, tag) != image.tags.end()) return std::move(image);
  }
  return make_error(Errc::protocol, "DescribeImages: nothing about the tag in it");
}

Result<EcrRepositoryPage> EcrApi::describe_repositories(const std::string& next, const CallContext& context) {
  Json request = Json::object({{"maxResults", 1000}});
  if (!site_.host.is_public && !site_.host.account.empty()) request["registryId"] = site_.host.account;
  if (!next.empty()) request["nextToken"] = next;
  DAVIT_TRY(const std::string body, call("DescribeRepositories", request.dump(), context));
  DAVIT_TRY(EcrRepositoryPage found, parse_repository_page(body));
  if (!next.empty() && found.next == next)
    return make_error(Errc::protocol, "DescribeRepositories: a page that is followed by itself");
  return found;
}

Result<> EcrApi::delete_image(const std::string& repository, const std::string& tag_or_digest,
                              const CallContext& context) {
  Json request = about(repository);
  const bool is_tag = tag_or_digest.find(':') == std::string::npos;
  request["imageIds"] = Json::array({Json::object({{is_tag ? "imageTag" : "imageDigest", tag_or_digest}})});
  DAVIT_TRY(const ApiAnswer answer, exchange("BatchDeleteImage", request.dump(), context));
  if (!is_success(answer)) return refused("BatchDeleteImage", answer);
  DAVIT_TRY(const EcrDeletion deletion, parse_deletion(answer.body));
  const std::string& code = deletion.code;
  if (code.empty() || (code == "ImageNotFound" && answer.may_be_done)) return {};
  const std::string said = "BatchDeleteImage: " + escaped(code, 80) +
                           (deletion.reason.empty() ? "" : ": " + escaped(deletion.reason, 300));
  if (code == "ImageNotFound") return make_error(Errc::not_found, said);
  if (code == "ImageReferencedByManifestList")
    return make_error(Errc::conflict, said, "delete the index that lists the image first");
  return make_error(Errc::unsupported, said);
}

Result<std::vector<std::string>> EcrApi::newest_tags(const std::string& repository, std::size_t count,
                                                     const CallContext& context) {
  std::vector<EcrImageDetail> newest;
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    DAVIT_TRY(EcrImagePage found, describe_images(repository, next, context));
    std::ranges::move(found.images, std::back_inserter(newest));
    std::ranges::stable_sort(newest, std::greater<>(), &EcrImageDetail::pushed);
    if (newest.size() > count)
      newest.erase(newest.begin() + static_cast<std::ptrdiff_t>(count), newest.end());
    next = std::move(found.next);
    if (next.empty()) break;
  }
  std::vector<std::string> tags;
  tags.reserve(newest.size());
  for (EcrImageDetail& image : newest) tags.push_back(std::move(image.tags.front()));
  return tags;
}

Result<EcrRepository> EcrApi::create_repository(const EcrRepositorySettings& settings,
                                                const CallContext& context) {
  if (site_.host.is_public) return create_in_gallery(settings, context);
  Json request = about(settings.name);
  if (!settings.mutability.empty()) request["imageTagMutability"] = settings.mutability;
  if (!settings.exclusions.empty())
    request["imageTagMutabilityExclusionFilters"] = exclusion_list(settings.exclusions);
  if (settings.scan_on_push) request["imageScanningConfiguration"] = Json::object({{"scanOnPush", true}});
  if (!settings.kms_key.empty() || !settings.encryption.empty()) {
    request["encryptionConfiguration"] =
        Json::object({{"encryptionType", settings.encryption.empty() ? "KMS" : settings.encryption}});
    if (!settings.kms_key.empty()) request["encryptionConfiguration"]["kmsKey"] = settings.kms_key;
  }
  if (!settings.tags.empty()) request["tags"] = tag_list(settings.tags);
  DAVIT_TRY(EcrRepository made, create(request, settings.name, context));
  if (settings.lifecycle_policy.empty()) return made;
  if (const auto put = put_lifecycle_policy(settings.name, settings.lifecycle_policy, context); !put) {
    Error error =
        put.error().with_context("made " + escaped(settings.name, 200) + " without its lifecycle policy");
    if (error.hint.empty())
      error.hint = "a repository that is there keeps its settings: delete it, or put the policy yourself";
    return error;
  }
  return made;
}

Result<EcrRepository> EcrApi::create(const Json& request, const std::string& repository,
                                     const CallContext& context) {
  DAVIT_TRY(const ApiAnswer answer, exchange("CreateRepository", request.dump(), context));
  if (!is_success(answer)) {
    Error error = refused("CreateRepository", answer);
    // Then it was our own try that made it.
    if (error.code == Errc::already_exists && answer.may_be_done)
      return describe_repository(repository, context);
    return error;
  }
  DAVIT_TRY(std::vector<EcrRepository> found, parse_repositories(answer.body));
  return only(std::move(found), "CreateRepository");
}

/// CreateRepository takes no alias there: whatever name it is given appears before the world in the caller's
/// own gallery.
Result<EcrRepository> EcrApi::create_in_gallery(const EcrRepositorySettings& settings,
                                                const CallContext& context) {
  const std::string what = "create " + escaped(settings.name, 200) + " in the public gallery";
  if (!settings.mutability.empty() || !settings.exclusions.empty() || settings.scan_on_push ||
      !settings.kms_key.empty() || !settings.encryption.empty() || !settings.lifecycle_policy.empty()) {
    return make_error(
        Errc::unsupported,
        what + ": it has neither immutable tags nor scans, keys of one's own or lifecycle policies",
        "--create-repo without these settings makes the repository");
  }
  const auto slash = settings.name.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == settings.name.size())
    return make_error(Errc::invalid_argument, what + ": a name there is ALIAS/NAME");
  const std::string alias = settings.name.substr(0, slash);
  const std::string name = settings.name.substr(slash + 1);
  DAVIT_TRY(const std::vector<std::string> own, own_aliases(context));
  if (std::ranges::find(own, alias) == own.end()) {
    return make_error(Errc::denied, what + ": the alias " + escaped(alias, 60) + " is not the caller's",
                      own.empty() ? "" : "the caller's is " + escaped(own.front(), 60));
  }
  Json request = Json::object({{"repositoryName", name}});
  if (!settings.tags.empty()) request["tags"] = tag_list(settings.tags);
  DAVIT_TRY(EcrRepository made, create(request, settings.name, context));
  const bool ours = std::ranges::any_of(
      own, [&](const std::string& each) { return made.uri.ends_with("/" + each + "/" + name); });
  if (!made.uri.empty() && !ours)
    return make_error(Errc::protocol, what + ": AWS made " + escaped(made.uri, 200) + " instead");
  return made;
}

Result<std::vector<std::string>> EcrApi::own_aliases(const CallContext& context) {
  std::vector<std::string> own;
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    Json request = Json::object();
    if (!next.empty()) request["nextToken"] = next;
    DAVIT_TRY(const std::string body, call("DescribeRegistries", request.dump(), context));
    DAVIT_TRY(EcrAliasPage found, parse_alias_page(body));
    std::ranges::move(found.aliases, std::back_inserter(own));
    next = std::move(found.next);
    if (next.empty()) break;
  }
  return own;
}

Result<EcrRepository> EcrApi::describe_repository(const std::string& repository, const CallContext& context) {
  Json request = about(repository);
  request["repositoryNames"] = Json::array({request["repositoryName"]});
  request.erase("repositoryName");
  DAVIT_TRY(const std::string body, call("DescribeRepositories", request.dump(), context));
  DAVIT_TRY(std::vector<EcrRepository> found, parse_repositories(body));
  return only(std::move(found), "DescribeRepositories");
}

Result<> EcrApi::put_lifecycle_policy(const std::string& repository, const std::string& policy,
                                      const CallContext& context) {
  Json request = about(repository);
  request["lifecyclePolicyText"] = policy;
  DAVIT_TRY_VOID(call("PutLifecyclePolicy", request.dump(), context));
  return {};
}

Result<> EcrApi::put_tag_mutability(const std::string& repository, const std::string& mutability,
                                    const std::vector<std::string>& exclusions, const CallContext& context) {
  Json request = about(repository);
  request["imageTagMutability"] = mutability;
  if (!exclusions.empty()) request["imageTagMutabilityExclusionFilters"] = exclusion_list(exclusions);
  DAVIT_TRY_VOID(call("PutImageTagMutability", request.dump(), context));
  return {};
}

Result<> EcrApi::put_scan_on_push(const std::string& repository, bool scan, const CallContext& context) {
  Json request = about(repository);
  request["imageScanningConfiguration"] = Json::object({{"scanOnPush", scan}});
  DAVIT_TRY_VOID(call("PutImageScanningConfiguration", request.dump(), context));
  return {};
}

Result<> EcrApi::tag_resource(const std::string& arn, const std::map<std::string, std::string>& tags,
                              const CallContext& context) {
  const Json request = {{"resourceArn", arn}, {"tags", tag_list(tags)}};
  DAVIT_TRY_VOID(call("TagResource", request.dump(), context));
  return {};
}

Result<std::map<std::string, std::string>> EcrApi::resource_tags(const std::string& arn,
                                                                 const CallContext& context) {
  const Json request = Json::object({{"resourceArn", arn}});
  DAVIT_TRY(const std::string body, call("ListTagsForResource", request.dump(), context));
  return parse_resource_tags(body);
}

}  // namespace davit::aws
