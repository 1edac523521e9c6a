// Repositories, and paging.
#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

constexpr std::string_view kPageKey = "emulated page tokens";
constexpr std::size_t kSealSize = 16;

json described(const ApiCall& call, const RepositoryRecord& record) {
  const Place& place = call.backend.place();
  json out = {{"repositoryArn", repository_arn(place, record.name)},
              {"registryId", place.account},
              {"repositoryName", record.name},
              {"repositoryUri", place.registry + "/" + record.name},
              {"createdAt", epoch(record.created)}};
  if (call.for_public) return out;
  out["imageTagMutability"] = record.mutability.mode;
  if (!record.mutability.exclusions.empty()) {
    json filters = json::array();
    for (const auto& filter : record.mutability.exclusions) {
      filters.push_back({{"filterType", "WILDCARD"}, {"filter", filter}});
    }
    out["imageTagMutabilityExclusionFilters"] = filters;
  }
  out["imageScanningConfiguration"] = {{"scanOnPush", record.scan_on_push}};
  out["encryptionConfiguration"] = {{"encryptionType", record.encryption}};
  if (!record.kms_key.empty()) out["encryptionConfiguration"]["kmsKey"] = record.kms_key;
  return out;
}

TagMutability read_mutability(const Input& input) {
  TagMutability out{
      .mode = input.one_of("imageTagMutability", "MUTABLE",
                           {"MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"})};
  for (const auto& filter : input.objects("imageTagMutabilityExclusionFilters", 0, 5)) {
    static_cast<void>(filter.one_of("filterType", "", {"WILDCARD"}));
    std::string text = filter.text("filter");
    constexpr std::string_view kAllowed =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._*-";
    if (text.empty() || text.size() > 128 || text.find_first_not_of(kAllowed) != std::string::npos) {
      throw invalid_parameter("imageTagMutabilityExclusionFilters",
                              "must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}$'");
    }
    out.exclusions.push_back(std::move(text));
  }
  if (out.mode.ends_with("_WITH_EXCLUSION") == out.exclusions.empty()) {
    throw invalid_parameter("imageTagMutabilityExclusionFilters",
                            out.exclusions.empty() ? "Member must not be empty with " + out.mode
                                                   : "Member must not be set with " + out.mode);
  }
  return out;
}

std::map<std::string, std::string> read_tags(const Input& input) {
  std::map<std::string, std::string> out;
  for (const auto& tag : input.objects("tags", 0, 1000)) {
    const std::string key = tag.text("Key");
    if (key.empty() || key.size() > 128 || key.starts_with("aws:")) {
      throw Refusal{"InvalidTagParameterException",
                    "Invalid parameter at 'tags' failed to satisfy constraint: "
                    "'Tag key must be 1 to 128 characters and not begin with aws:'"};
    }
    out[key] = tag.text_or("Value", "");
  }
  if (out.size() > 50) throw Refusal{"TooManyTagsException", "The maximum number of tags is 50"};
  return out;
}

json create_repository(const ApiCall& call) {
  const Input& input = call.input;
  RepositoryRecord wanted{.name = input.repository()};
  if (!call.for_public) {
    wanted.mutability = read_mutability(input);
    if (const auto scan = input.object("imageScanningConfiguration"))
      wanted.scan_on_push = scan->flag("scanOnPush");
    if (const auto encryption = input.object("encryptionConfiguration")) {
      wanted.encryption = encryption->one_of("encryptionType", "", {"AES256", "KMS", "KMS_DSSE"});
      wanted.kms_key = encryption->text_or("kmsKey", "");
      if (wanted.encryption == "AES256" && !wanted.kms_key.empty()) {
        throw invalid_parameter("encryptionConfiguration", "kmsKey can only be used with KMS encryption");
      }
    }
  }
  wanted.tags = read_tags(input);
  const Place& place = call.backend.place();
  call.backend.controls().admit(call.operation, wanted.name, call.caller.arn, place);
  return {{"repository", described(call, call.backend.create(std::move(wanted)))}};
}

json describe_repositories(const ApiCall& call) {
  call.admit();
  json list = json::array();
  const auto names = call.input.texts("repositoryNames", 0, 100);
  if (!names.empty()) {
    for (const auto& name : names) list.push_back(described(call, call.backend.find(name)));
    return {{"repositories", list}};
  }
  const auto all = call.backend.all();
  const ApiPage page = page_of(call.input, all.size(), 100, 1000);
  for (std::size_t i = page.first; i < page.last; ++i) list.push_back(described(call, all[i]));
  json out = {{"repositories", list}};
  if (!page.next.empty()) out["nextToken"] = page.next;
  return out;
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
  const std::string prefix = repository_arn(call.backend.place(), "");
  if (!arn.starts_with(prefix)) {
    throw invalid_parameter("resourceArn", "Invalid ARN: must name a repository of this registry");
  }
  std::string name = arn.substr(prefix.size());
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
  const auto fresh = read_tags(call.input);
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
  return crypto::base64_encode(crypto::hex(crypto::hmac_sha256(kPageKey, where)).substr(0, kSealSize) +
                               where);
}

std::optional<std::size_t> read_page_token(std::string_view token) {
  const auto text = crypto::base64_decode(token);
  if (!text || text->size() <= kSealSize) return std::nullopt;
  std::size_t at = 0;
  std::from_chars(text->data() + kSealSize, text->data() + text->size(), at);
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

std::string ApiCall::admitted_repository() const {
  std::string name = input.repository();
  backend.controls().admit(operation, name, caller.arn, backend.place());
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
