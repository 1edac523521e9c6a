// Repositories, and paging.
#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/repository_input.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

constexpr std::string_view kPageKey = "emulated page tokens";
constexpr std::size_t kPageSealSize = 16;

/// What stands before a repository's name in its ARN.
std::string arn_prefix(const ApiCall& call) {
  const Place& place = call.backend.place();
  return call.for_public ? "arn:aws:ecr-public::" + place.account + ":repository/"
                         : repository_arn(place, "");
}

json described(const ApiCall& call, const RepositoryRecord& record) {
  const Place& place = call.backend.place();
  // In the gallery the alias belongs to the registry.
  const std::string above = call.for_public ? call.own_alias() + "/" : "";
  const std::string name = record.name.substr(record.name.starts_with(above) ? above.size() : 0);
  json out = {{"repositoryArn", arn_prefix(call) + name},
              {"registryId", place.account},
              {"repositoryName", record.name},
              {"repositoryUri", place.registry + "/" + record.name},
              {"createdAt", epoch(record.created)}};
  if (call.for_public) return out;
  out["imageTagMutability"] = record.mutability.mode;
  if (!record.mutability.exclusions.empty()) {
    out["imageTagMutabilityExclusionFilters"] = exclusion_filters(record.mutability);
  }
  out["imageScanningConfiguration"] = {{"scanOnPush", record.scan_on_push}};
  out["encryptionConfiguration"] = {{"encryptionType", record.encryption}};
  if (!record.kms_key.empty()) out["encryptionConfiguration"]["kmsKey"] = record.kms_key;
  return out;
}

json create_repository(const ApiCall& call) {
  const Input& input = call.input;
  RepositoryRecord wanted{.name = input.repository()};
  if (!call.for_public) {
    wanted.mutability = read_mutability(input);
    if (const auto scan = input.object("imageScanningConfiguration"))
      wanted.scan_on_push = scan->flag("scanOnPush");
    read_encryption(input, wanted);
  }
  json catalog;
  if (const auto data = call.for_public ? input.object("catalogData") : std::nullopt) {
    catalog = catalog_data(*data);
    wanted.catalog = catalog.dump();
  }
  wanted.tags = read_tags(input, "tags");
  const Place& place = call.backend.place();
  call.backend.controls().admit(call.operation, wanted.name, call.caller.arn, place);
  json out = {{"repository", described(call, call.backend.create(std::move(wanted)))}};
  if (!catalog.is_null()) out["catalogData"] = catalog;
  return out;
}

json describe_repositories(const ApiCall& call) {
  call.admit();
  json list = json::array();
  const auto names = call.input.texts("repositoryNames", 0, 100);
  if (!names.empty()) {
    for (const auto& name : names) list.push_back(described(call, call.backend.find(name)));
    return {{"repositories", list}};
  }
  std::vector<json> rows;
  for (const auto& record : call.backend.all()) rows.push_back(described(call, record));
  return paged(call.input, "repositories", rows);
}

json delete_repository(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  return {{"repository", described(call, call.backend.remove(name, call.input.flag("force")))}};
}

json put_image_tag_mutability(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  static_cast<void>(call.input.text("imageTagMutability"));
  const TagMutability wanted = read_mutability(call.input);
  call.backend.change(name, [&](RepositoryRecord& record) { record.mutability = wanted; });
  const json whole = described(call, call.backend.find(name));
  json out = {{"registryId", whole["registryId"]},
              {"repositoryName", name},
              {"imageTagMutability", whole["imageTagMutability"]}};
  if (whole.contains("imageTagMutabilityExclusionFilters")) {
    out["imageTagMutabilityExclusionFilters"] = whole["imageTagMutabilityExclusionFilters"];
  }
  return out;
}

json put_image_scanning_configuration(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const auto wanted = call.input.object("imageScanningConfiguration");
  if (!wanted) throw invalid_parameter("imageScanningConfiguration", "Member must not be null");
  const bool on = wanted->flag("scanOnPush");
  call.backend.change(name, [&](RepositoryRecord& record) { record.scan_on_push = on; });
  return {{"registryId", call.backend.place().account},
          {"repositoryName", name},
          {"imageScanningConfiguration", {{"scanOnPush", on}}}};
}

/// The repository that an ARN names.
std::string tagged_repository(const ApiCall& call) {
  const std::string arn = call.input.text("resourceArn");
  const std::string prefix = arn_prefix(call);
  if (!arn.starts_with(prefix)) {
    throw invalid_parameter("resourceArn", "Invalid ARN: must name a repository of this registry");
  }
  std::string name = (call.for_public ? call.own_alias() + "/" : "") + arn.substr(prefix.size());
  call.backend.controls().admit(call.operation, name, call.caller.arn, call.backend.place());
  return name;
}

json list_tags_for_resource(const ApiCall& call) {
  json tags = json::array();
  for (const auto& [key, value] : call.backend.find(tagged_repository(call)).tags) {
    tags.push_back({{"Key", key}, {"Value", value}});
  }
  return {{"tags", tags}};
}

json tag_resource(const ApiCall& call) {
  const auto fresh = read_tags(call.input, "tags");
  call.backend.change(tagged_repository(call), [&](RepositoryRecord& record) {
    auto tags = record.tags;
    for (const auto& [key, value] : fresh) tags[key] = value;
    if (tags.size() > 50) throw Refusal{"TooManyTagsException", "The maximum number of tags is 50"};
    record.tags = std::move(tags);
  });
  return json::object();
}

json untag_resource(const ApiCall& call) {
  const auto keys = call.input.texts("tagKeys", 1, 50);
  call.backend.change(tagged_repository(call), [&](RepositoryRecord& record) {
    for (const auto& key : keys) record.tags.erase(key);
  });
  return json::object();
}

}  // namespace

double epoch(ShiftedClock::Time time) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()) /
         1000.0;
}

std::string page_token(std::size_t at) {
  const std::string where = std::to_string(at);
  return crypto::base64_encode(crypto::hex(crypto::hmac_sha256(kPageKey, where)).substr(0, kPageSealSize) +
                               where);
}

std::optional<std::size_t> read_page_token(std::string_view token) {
  const auto text = crypto::base64_decode(token);
  if (!text || text->size() <= kPageSealSize) return std::nullopt;
  std::size_t at = 0;
  std::from_chars(text->data() + kPageSealSize, text->data() + text->size(), at);
  if (page_token(at) != token) return std::nullopt;
  return at;
}

ApiPage page_of(const Input& input, std::size_t total, std::size_t default_size, std::size_t largest) {
  const std::uint64_t size = input.number_or("maxResults", default_size);
  if (size < 1) throw invalid_parameter("maxResults", "Member must have value greater than or equal to 1");
  if (size > largest) {
    throw invalid_parameter("maxResults",
                            "Member must have value less than or equal to " + std::to_string(largest));
  }
  ApiPage page;
  if (input.has("nextToken")) {
    const auto at = read_page_token(input.text("nextToken"));
    if (!at) throw invalid_parameter("nextToken", "Invalid token");
    page.first = std::min(*at, total);
  }
  page.last = std::min<std::size_t>(total, page.first + size);
  if (page.last < total) page.next = page_token(page.last);
  return page;
}

json paged(const Input& input, const char* member, const std::vector<json>& rows, std::size_t default_size,
           std::size_t largest) {
  const ApiPage page = page_of(input, rows.size(), default_size, largest);
  json out = {{member, json::array()}};
  for (std::size_t i = page.first; i < page.last; ++i) out[member].push_back(rows[i]);
  if (!page.next.empty()) out["nextToken"] = page.next;
  return out;
}

std::string ApiCall::admitted_name() const {
  std::string name = input.repository();
  backend.controls().admit(operation, name, caller.arn, backend.place());
  return name;
}

std::string ApiCall::admitted_repository() const {
  std::string name = admitted_name();
  if (!backend.has(name)) throw backend.no_repository(name);
  return name;
}

void ApiCall::admit() const {
  backend.controls().admit(operation, "", caller.arn, backend.place());
}

void add_repository_operations(ApiOperations& all) {
  all["CreateRepository"] = create_repository;
  all["DescribeRepositories"] = describe_repositories;
  all["DeleteRepository"] = delete_repository;
  all["PutImageTagMutability"] = put_image_tag_mutability;
  all["PutImageScanningConfiguration"] = put_image_scanning_configuration;
  all["ListTagsForResource"] = list_tags_for_resource;
  all["TagResource"] = tag_resource;
  all["UntagResource"] = untag_resource;
}

}  // namespace davit::emulator
