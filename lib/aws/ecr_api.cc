#include "aws/ecr_api.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "aws/denial.h"
#include "base/error.h"
#include "base/try.h"

namespace davit::aws {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kBatch = 100;
constexpr int kMostPages = 10;

constexpr std::string_view kManifestTypes[] = {"application/vnd.oci.image.index.v1+json",
                                               "application/vnd.oci.image.manifest.v1+json",
                                               "application/vnd.docker.distribution.manifest.list.v2+json",
                                               "application/vnd.docker.distribution.manifest.v2+json"};

/// Calls `ask` with at most kBatch of `all` at a time.
template <class T, class Ask>
Result<> in_batches(std::span<const T> all, const Ask& ask) {
  for (std::size_t at = 0; at < all.size(); at += kBatch)
    DAVIT_TRY_VOID(ask(all.subspan(at, std::min(kBatch, all.size() - at))));
  return {};
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

Result<std::string> EcrApi::call(std::string_view operation, std::string body, const CallContext& context) {
  DAVIT_TRY(Endpoint where, endpoint());
  const net::Url url = where.url;
  const ApiCall request{
      .operation = std::string(operation),
      .endpoint = std::move(where),
      .content_type = "application/x-amz-json-1.1",
      .target = (site_.host.is_public ? "SpencerFrontendService." : "AmazonEC2ContainerRegistry_V20150921.") +
                std::string(operation),
      .body = std::move(body)};
  DAVIT_TRY(net::Response response, api_.send(request, context));
  if (response.status < 200 || response.status > 299)
    return ecr_refusal(std::string(operation), url, response);
  return std::move(response.body);
}

Result<EcrGrant> EcrApi::authorization_token(const CallContext& context) {
  DAVIT_TRY(const std::string body, call("GetAuthorizationToken", "{}", context));
  return parse_grant(body);
}

Result<std::vector<EcrLayer>> EcrApi::check_layers(const std::string& repository,
                                                   std::span<const Digest> digests,
                                                   const CallContext& context) {
  std::vector<EcrLayer> out;
  DAVIT_TRY_VOID(in_batches(digests, [&](std::span<const Digest> some) -> Result<> {
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
  DAVIT_TRY_VOID(in_batches(names, [&](std::span<const std::string> some) -> Result<> {
    Json request = about(repository);
    request["imageIds"] = Json::array();
    request["acceptedMediaTypes"] = kManifestTypes;
    for (const std::string& each : some)
      request["imageIds"].push_back(
          Json::object({{each.find(':') == std::string::npos ? "imageTag" : "imageDigest", each}}));
    DAVIT_TRY(const std::string body, call("BatchGetImage", request.dump(), context));
    DAVIT_TRY(EcrImages found, parse_images(body));
    out.images.insert(out.images.end(), found.images.begin(), found.images.end());
    out.failures.merge(found.failures);
    return {};
  }));
  return out;
}

Result<std::vector<std::string>> EcrApi::newest_tags(const std::string& repository, std::size_t count,
                                                     const CallContext& context) {
  std::vector<EcrImageDetail> all;
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    Json request = about(repository);
    request["maxResults"] = 1000;
    request["filter"] = Json::object({{"tagStatus", "TAGGED"}});
    if (!next.empty()) request["nextToken"] = next;
    DAVIT_TRY(const std::string body, call("DescribeImages", request.dump(), context));
    DAVIT_TRY(EcrImagePage found, parse_image_page(body));
    all.insert(all.end(), found.images.begin(), found.images.end());
    next = std::move(found.next);
    if (next.empty()) break;
  }
  std::ranges::stable_sort(all, std::greater<>(), &EcrImageDetail::pushed);
  std::vector<std::string> tags;
  for (const EcrImageDetail& image : all) {
    if (tags.size() < count && !image.tags.empty()) tags.push_back(image.tags.front());
  }
  return tags;
}

Result<EcrRepository> EcrApi::create_repository(const EcrRepositorySettings& settings,
                                                const CallContext& context) {
  Json request = about(settings.name);
  if (site_.host.is_public) {
    request.erase("registryId");
  } else {
    if (!settings.mutability.empty()) request["imageTagMutability"] = settings.mutability;
    if (!settings.exclusions.empty())
      request["imageTagMutabilityExclusionFilters"] = exclusion_list(settings.exclusions);
    if (settings.scan_on_push) request["imageScanningConfiguration"] = Json::object({{"scanOnPush", true}});
    if (!settings.kms_key.empty() || !settings.encryption.empty()) {
      request["encryptionConfiguration"] =
          Json::object({{"encryptionType", settings.encryption.empty() ? "KMS" : settings.encryption}});
      if (!settings.kms_key.empty()) request["encryptionConfiguration"]["kmsKey"] = settings.kms_key;
    }
  }
  if (!settings.tags.empty()) request["tags"] = tag_list(settings.tags);
  DAVIT_TRY(const std::string body, call("CreateRepository", request.dump(), context));
  DAVIT_TRY(std::vector<EcrRepository> found, parse_repositories(body));
  return only(std::move(found), "CreateRepository");
}

Result<EcrRepository> EcrApi::describe_repository(const std::string& repository, const CallContext& context) {
  Json request = about(repository);
  request["repositoryNames"] = Json::array({request["repositoryName"]});
  request.erase("repositoryName");
  DAVIT_TRY(const std::string body, call("DescribeRepositories", request.dump(), context));
  DAVIT_TRY(std::vector<EcrRepository> found, parse_repositories(body));
  return only(std::move(found), "DescribeRepositories");
}

Result<> EcrApi::put_tag_mutability(const std::string& repository, const std::string& mutability,
                                    const std::vector<std::string>& exclusions, const CallContext& context) {
  Json request = {
      {"repositoryName", repository}, {"registryId", site_.host.account}, {"imageTagMutability", mutability}};
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
