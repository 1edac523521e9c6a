// What takes time: scans, lifecycle previews, replication, the archive; and the settings that belong to them.
// The emulator's clock drives them all: first in progress, then done.
#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

using nlohmann::json;
using std::chrono::seconds;

bool job_done(const ApiCall& call, ShiftedClock::Time begun) {
  return call.backend.clock().now() >= begun + seconds(call.backend.controls().modes().number("job-seconds"));
}

/// An operation on one image: the repository, the image, and the beginning of the answer.
struct OnImage {
  std::string repository;
  Digest digest;
  json answer;
};
OnImage on_image(const ApiCall& call) {
  const auto id = call.input.object("imageId");
  if (!id) throw invalid_parameter("imageId", "Member must not be null");
  OnImage out{.repository = call.admitted_repository(), .digest = {}, .answer = {}};
  out.digest = named_image(call, out.repository, *id).descriptor().digest;
  json image_id = {{"imageDigest", out.digest.to_string()}};
  if (id->has("imageTag")) image_id["imageTag"] = id->text("imageTag");
  out.answer = {{"registryId", call.backend.place().account},
                {"repositoryName", out.repository},
                {"imageId", image_id}};
  return out;
}

json start_image_scan(const ApiCall& call) {
  OnImage image = on_image(call);
  const auto now = call.backend.clock().now();
  constexpr std::chrono::hours kDay{24};
  call.backend.change_image(image.repository, image.digest, [&](ImageTimes& times) {
    if (times.scanned && now < *times.scanned + kDay) {
      throw Refusal{"LimitExceededException",
                    "The scan quota per image has been exceeded. Wait and try again."};
    }
    times.scanned = now;
  });
  image.answer["imageScanStatus"] = {{"status", "IN_PROGRESS"}};
  return image.answer;
}

json describe_image_scan_findings(const ApiCall& call) {
  OnImage image = on_image(call);
  const auto begun = call.backend.times(image.repository, image.digest).scanned;
  if (!begun) {
    throw Refusal{"ScanNotFoundException", "Image scan does not exist for the image with '" +
                                               image.digest.to_string() + "' in the repository with name '" +
                                               image.repository + "' in the registry with id '" +
                                               call.backend.place().account + "'"};
  }
  if (!job_done(call, *begun)) {
    image.answer["imageScanStatus"] = {{"status", "IN_PROGRESS"}};
    return image.answer;
  }
  image.answer["imageScanStatus"] = {{"status", "COMPLETE"},
                                     {"description", "The scan was completed successfully."}};
  image.answer["imageScanFindings"] = {
      {"imageScanCompletedAt", epoch(*begun)},
      {"vulnerabilitySourceUpdatedAt", epoch(*begun)},
      {"findingSeverityCounts", {{"HIGH", 1}, {"LOW", 1}}},
      {"findings",
       {{{"name", "CVE-2026-0001"},
         {"description", "An emulated finding"},
         {"uri", "https://example.com/CVE-2026-0001"},
         {"severity", "HIGH"},
         {"attributes", {{{"key", "package_name"}, {"value", "openssl"}}}}},
        {{"name", "CVE-2026-0002"}, {"severity", "LOW"}, {"attributes", json::array()}}}}};
  return image.answer;
}

/// An image as lifecycle rules see it.
struct Candidate {
  Digest digest;
  std::vector<std::string> tags;
  ShiftedClock::Time pushed;
};

bool selected(const json& selection, const Candidate& image) {
  const std::string status = selection.value("tagStatus", "any");
  if (status == "untagged") return image.tags.empty();
  if (status == "any") return true;
  const json prefixes = selection.value("tagPrefixList", json::array());
  const json patterns = selection.value("tagPatternList", json::array());
  const auto has = [&](const auto& fits) { return std::ranges::any_of(image.tags, fits); };
  return !image.tags.empty() && std::ranges::all_of(prefixes, [&](const json& prefix) {
    return has([&](const std::string& tag) { return tag.starts_with(prefix.get<std::string>()); });
  }) && std::ranges::all_of(patterns, [&](const json& pattern) {
    const TagMutability rule{.mode = "MUTABLE_WITH_EXCLUSION", .exclusions = {pattern.get<std::string>()}};
    return has([&](const std::string& tag) { return rule.immutable(tag); });
  });
}

/// What the rules would expire: by priority, and what one rule has selected is no other's.
json preview(const ApiCall& call, const std::string& repository, const json& policy) {
  std::vector<Candidate> images;
  auto all_tags = call.backend.tags(repository);
  for (const auto& manifest : call.backend.storage().manifests(repository)) {
    const Digest digest = manifest.descriptor().digest;
    if (!call.backend.indexes_of(repository, digest).empty()) continue;  // goes with its index
    images.push_back({digest, all_tags[digest], call.backend.times(repository, digest).pushed});
  }
  std::ranges::stable_sort(images, std::ranges::greater{}, &Candidate::pushed);
  std::vector<json> rules = policy.at("rules").get<std::vector<json>>();
  std::ranges::sort(rules, {}, [](const json& rule) { return rule.value("rulePriority", 0); });
  const auto now = call.backend.clock().now();
  std::set<Digest> claimed;
  json results = json::array();
  for (const auto& rule : rules) {
    const json selection = rule.value("selection", json::object());
    constexpr std::uint64_t kMost = 50'000;  // days of it can still be added to a time
    const auto number = std::min(kMost, selection.value("countNumber", std::uint64_t{0}));
    std::uint64_t seen = 0;
    for (const auto& image : images) {
      if (claimed.contains(image.digest) || !selected(selection, image)) continue;
      claimed.insert(image.digest);
      const bool expires = selection.value("countType", "") == "imageCountMoreThan"
                               ? ++seen > number
                               : now >= image.pushed + std::chrono::hours(24 * number);
      if (!expires) continue;
      results.push_back({{"imageDigest", image.digest.to_string()},
                         {"imageTags", image.tags},
                         {"imagePushedAt", epoch(image.pushed)},
                         {"action", {{"type", "EXPIRE"}}},
                         {"appliedRulePriority", rule.value("rulePriority", 0)},
                         {"storageClass", "STANDARD"}});
    }
  }
  return results;
}

json preview_answer(const ApiCall& call, const RepositoryRecord& record) {
  return {{"registryId", call.backend.place().account},
          {"repositoryName", record.name},
          {"lifecyclePolicyText", record.preview_policy},
          {"status", job_done(call, record.preview_begun) ? "COMPLETE" : "IN_PROGRESS"}};
}

json start_lifecycle_policy_preview(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const RepositoryRecord record = call.backend.find(name);
  const std::string text = call.input.text_or("lifecyclePolicyText", record.lifecycle_policy);
  if (text.empty()) {
    throw Refusal{"LifecyclePolicyNotFoundException",
                  "Lifecycle policy does not exist for the repository with name '" + name +
                      "' in the registry with id '" + call.backend.place().account + "'"};
  }
  const auto policy = parse_json(text);
  if (!policy || !policy->is_object() || !policy->contains("rules") || !(*policy)["rules"].is_array()) {
    throw invalid_parameter("LifecyclePolicyText", "Invalid JSON syntax");
  }
  if (!record.preview_policy.empty() && !job_done(call, record.preview_begun)) {
    throw Refusal{"LifecyclePolicyPreviewInProgressException",
                  "The previous lifecycle policy preview has not completed"};
  }
  call.backend.change(name, [&](RepositoryRecord& changed) {
    changed.preview_policy = text;
    changed.preview_begun = call.backend.clock().now();
  });
  return preview_answer(call, call.backend.find(name));
}

json get_lifecycle_policy_preview(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  const RepositoryRecord record = call.backend.find(name);
  if (record.preview_policy.empty()) {
    throw Refusal{"LifecyclePolicyPreviewNotFoundException",
                  "There is no lifecycle policy preview of '" + name + "'"};
  }
  json out = preview_answer(call, record);
  if (out["status"] != "COMPLETE") return out;
  const json results = preview(call, name, *parse_json(record.preview_policy));
  const ApiPage page = page_of(call.input, results.size(), 100, 100);
  out["summary"] = {{"expiringImageTotalCount", results.size()}};
  out["previewResults"] = json::array();
  for (std::size_t i = page.first; i < page.last; ++i) out["previewResults"].push_back(results[i]);
  if (!page.next.empty()) out["nextToken"] = page.next;
  return out;
}

json update_image_storage_class(const ApiCall& call) {
  const std::string target = call.input.one_of("targetStorageClass", "", {"STANDARD", "ARCHIVE"});
  OnImage image = on_image(call);
  const auto now = call.backend.clock().now();
  const seconds life(call.backend.controls().modes().number("restore-seconds"));
  const bool archived = call.backend.status(image.repository, image.digest) == "ARCHIVED";
  if ((target == "ARCHIVE") == archived) {
    throw Refusal{"ImageStorageClassUpdateNotSupportedException",
                  "The image is in that storage class already"};
  }
  call.backend.change_image(image.repository, image.digest, [&](ImageTimes& times) {
    if (target == "ARCHIVE") {
      times.archived = now;
      times.restored.reset();
    } else {
      times.restored = now + life;
    }
  });
  image.answer["imageStatus"] = call.backend.status(image.repository, image.digest);
  return image.answer;
}

json describe_image_replication_status(const ApiCall& call) {
  OnImage image = on_image(call);
  const bool done = job_done(call, call.backend.times(image.repository, image.digest).pushed);
  json statuses = json::array();
  const auto configuration = parse_json(call.backend.settings().replication);
  for (const auto& rule : configuration->at("rules")) {
    const auto& filters = rule.at("repositoryFilters");
    const bool wanted = filters.empty() || std::ranges::any_of(filters, [&](const json& filter) {
                          return image.repository.starts_with(filter.at("filter").get<std::string>());
                        });
    if (!wanted) continue;
    for (const auto& destination : rule.at("destinations")) {
      statuses.push_back({{"region", destination.at("region")},
                          {"registryId", destination.at("registryId")},
                          {"status", done ? "COMPLETE" : "IN_PROGRESS"}});
    }
  }
  image.answer["replicationStatuses"] = statuses;
  return image.answer;
}

/// Signing is done before the push is answered, so it is complete or was not configured then.
json describe_image_signing_status(const ApiCall& call) {
  OnImage image = on_image(call);
  json statuses = json::array();
  for (const auto& [profile, done] : call.backend.signatures(image.repository, image.digest)) {
    json status = {{"signingProfileArn", profile}, {"status", done ? "COMPLETE" : "FAILED"}};
    if (!done) {
      status["failureCode"] = "NOT_SIGNED";
      status["failureReason"] = "The image was pushed before the signing configuration";
    }
    statuses.push_back(std::move(status));
  }
  image.answer["signingStatuses"] = statuses;
  return image.answer;
}

}  // namespace

void add_job_operations(ApiOperations& all) {
  all["StartImageScan"] = start_image_scan;
  all["DescribeImageScanFindings"] = describe_image_scan_findings;
  all["StartLifecyclePolicyPreview"] = start_lifecycle_policy_preview;
  all["GetLifecyclePolicyPreview"] = get_lifecycle_policy_preview;
  all["UpdateImageStorageClass"] = update_image_storage_class;
  all["DescribeImageSigningStatus"] = describe_image_signing_status;
  all["DescribeImageReplicationStatus"] = describe_image_replication_status;
}

}  // namespace davit::emulator
