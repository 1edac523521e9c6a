#include "aws/ecr_answers.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "aws/timestamps.h"
#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "crypto/base64.h"

namespace davit::aws {
namespace {

using Json = nlohmann::json;
using Wall = std::chrono::system_clock::time_point;

/// A hundred manifests of 4 MiB would be more; ECR's own limit of an answer is far below.
constexpr std::size_t kLongestAnswer = 64u << 20;
constexpr std::size_t kLongestToken = 64u << 10;

Error strange(const std::string& why) {
  return make_error(Errc::protocol, "not an answer of the ECR API: " + why);
}

Result<Json> document(std::string_view body) {
  auto parsed = parse_json(body, {.bytes = kLongestAnswer, .depth = 32});
  if (!parsed) return strange(parsed.error().message);
  if (!parsed->is_object()) return strange("not a JSON object");
  return parsed;
}

/// The text under this name, out of the document: manifests are long.
std::string take_text(Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return std::move(found->get_ref<std::string&>());
}

const Json& list_of(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : kNone;
}

const Json& object_of(const Json& object, const char* name) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNone;
}

/// Seconds since 1970 with a fraction, in any notation of a number; or the text that the AWS CLI makes of it.
std::optional<Wall> time_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return parse_iso8601(found->get_ref<const std::string&>());
  if (!found->is_number()) return {};
  const auto seconds = found->get<double>();
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e11) return {};
  return Wall(std::chrono::duration_cast<Wall::duration>(std::chrono::duration<double>(seconds)));
}

EcrRepository repository_of(const Json& each) {
  EcrRepository out{.arn = json_text(each, "repositoryArn"),
                    .name = json_text(each, "repositoryName"),
                    .uri = json_text(each, "repositoryUri"),
                    .account = json_text(each, "registryId"),
                    .mutability = json_text(each, "imageTagMutability"),
                    .exclusions = {},
                    .scan_on_push = false,
                    .encryption = json_text(object_of(each, "encryptionConfiguration"), "encryptionType"),
                    .kms_key = json_text(object_of(each, "encryptionConfiguration"), "kmsKey"),
                    .created = time_of(each, "createdAt")};
  for (const Json& filter : list_of(each, "imageTagMutabilityExclusionFilters"))
    out.exclusions.push_back(json_text(filter, "filter"));
  const Json& scanning = object_of(each, "imageScanningConfiguration");
  const auto on_push = scanning.find("scanOnPush");
  out.scan_on_push = on_push != scanning.end() && on_push->is_boolean() && on_push->get<bool>();
  return out;
}

}  // namespace

Result<EcrGrant> parse_grant(std::string_view body) {
  const auto parsed = document(body);
  if (!parsed)
    return make_error(Errc::protocol, "not an answer of GetAuthorizationToken");  // it may be a secret
  const auto found = parsed->find("authorizationData");
  if (found == parsed->end()) return strange("no authorizationData");
  // A list for private registries, an object for the public gallery.
  const Json& data = found->is_array() && !found->empty() ? found->front() : *found;
  const std::string token = json_text(data, "authorizationToken");
  if (token.empty() || token.size() > kLongestToken) return strange("no authorizationToken");
  const auto decoded = crypto::base64_decode(token);
  const bool visible = token.find_first_not_of(
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                           "0123456789+/-_=") == std::string::npos;
  if (!visible || !decoded || decoded->find(':') == std::string::npos)
    return strange("an authorizationToken that is not base64 of a user and a password");
  const auto expires = time_of(data, "expiresAt");
  // Twelve hours are what ECR documents.
  return EcrGrant{.token = Secret(token),
                  .expires = expires ? *expires : Wall::max(),
                  .proxy_endpoint = json_text(data, "proxyEndpoint")};
}

Result<std::vector<EcrLayer>> parse_layers(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  std::vector<EcrLayer> out;
  for (const Json& each : list_of(parsed, "layers")) {
    const auto digest = Digest::parse(json_text(each, "layerDigest"));
    if (!digest) return strange("a layer without digest");
    const std::string state = json_text(each, "layerAvailability");
    out.push_back({.digest = *digest, .available = state == "AVAILABLE", .archived = state == "ARCHIVED"});
  }
  return out;
}

Result<EcrImages> parse_images(std::string_view body) {
  DAVIT_TRY(Json parsed, document(body));
  EcrImages out;
  if (const auto images = parsed.find("images"); images != parsed.end() && images->is_array()) {
    for (Json& each : *images) {
      const Json& id = object_of(each, "imageId");
      out.images.push_back({.digest = json_text(id, "imageDigest"),
                            .tag = json_text(id, "imageTag"),
                            .manifest = take_text(each, "imageManifest"),
                            .media_type = json_text(each, "imageManifestMediaType")});
    }
  }
  for (const Json& each : list_of(parsed, "failures")) {
    const Json& id = object_of(each, "imageId");
    const std::string digest = json_text(id, "imageDigest");
    out.failures[digest.empty() ? json_text(id, "imageTag") : digest] = json_text(each, "failureCode");
  }
  return out;
}

Result<std::vector<EcrRepository>> parse_repositories(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  std::vector<EcrRepository> out;
  if (parsed.contains("repository")) out.push_back(repository_of(parsed["repository"]));
  for (const Json& each : list_of(parsed, "repositories")) out.push_back(repository_of(each));
  return out;
}

Result<std::map<std::string, std::string>> parse_resource_tags(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  std::map<std::string, std::string> out;
  for (const Json& each : list_of(parsed, "tags")) out[json_text(each, "Key")] = json_text(each, "Value");
  return out;
}

Result<EcrImagePage> parse_image_page(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  EcrImagePage out{.images = {}, .next = json_text(parsed, "nextToken")};
  for (const Json& each : list_of(parsed, "imageDetails")) {
    EcrImageDetail image{.digest = json_text(each, "imageDigest"),
                         .tags = {},
                         .pushed = time_of(each, "imagePushedAt").value_or(Wall()),
                         .size = {},
                         .media_type = json_text(each, "imageManifestMediaType"),
                         .artifact_type = json_text(each, "artifactMediaType"),
                         .subject = json_text(each, "subjectManifestDigest")};
    for (const Json& tag : list_of(each, "imageTags")) {
      if (tag.is_string()) image.tags.push_back(tag.get<std::string>());
    }
    const auto size = each.is_object() ? each.find("imageSizeInBytes") : each.end();
    if (size != each.end() && size->is_number_unsigned()) image.size = size->get<std::uint64_t>();
    out.images.push_back(std::move(image));
  }
  return out;
}

Result<EcrRepositoryPage> parse_repository_page(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  EcrRepositoryPage out{.repositories = {}, .next = json_text(parsed, "nextToken")};
  for (const Json& each : list_of(parsed, "repositories")) out.repositories.push_back(repository_of(each));
  return out;
}

Result<EcrDeletion> parse_deletion(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  const Json& failures = list_of(parsed, "failures");
  if (!failures.empty()) {
    const std::string code = json_text(failures.front(), "failureCode");
    return EcrDeletion{.code = code.empty() ? "unknown" : code,
                       .reason = json_text(failures.front(), "failureReason")};
  }
  if (list_of(parsed, "imageIds").empty()) return strange("neither deleted nor refused");
  return EcrDeletion{};
}

Result<EcrAliasPage> parse_alias_page(std::string_view body) {
  DAVIT_TRY(const Json parsed, document(body));
  EcrAliasPage out{.aliases = {}, .next = json_text(parsed, "nextToken")};
  for (const Json& registry : list_of(parsed, "registries")) {
    for (const Json& alias : list_of(registry, "aliases")) {
      const std::string status = json_text(alias, "status");
      std::string name = json_text(alias, "name");
      if (!name.empty() && (status.empty() || status == "ACTIVE")) out.aliases.push_back(std::move(name));
    }
  }
  return out;
}

std::optional<std::chrono::system_clock::time_point> password_end(std::string_view password) {
  if (password.size() > kLongestToken) return {};
  const auto decoded = crypto::base64_decode(password);
  if (!decoded) return {};
  const auto parsed = parse_json(*decoded, {.bytes = kLongestToken, .depth = 8, .values = 100});
  if (!parsed || !parsed->is_object()) return {};
  return time_of(*parsed, "expiration");
}

}  // namespace davit::aws
