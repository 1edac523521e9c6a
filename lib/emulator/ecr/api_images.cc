// Images by the API.
#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <davit/reference.h>

#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

json image_id(const std::string& digest, const std::string& tag) {
  json out = json::object();
  if (!digest.empty()) out["imageDigest"] = digest;
  if (!tag.empty()) out["imageTag"] = tag;
  return out;
}

/// An imageId of a request, looked up.
struct Lookup {
  std::string digest;
  std::string tag;
  std::optional<Manifest> manifest;
  std::string failure;  ///< its code; empty when it was found
  std::string reason;

  [[nodiscard]] json failed() const {
    return {{"imageId", image_id(digest, tag)}, {"failureCode", failure}, {"failureReason", reason}};
  }
};

Lookup look_up(const ApiCall& call, const std::string& repository, const Input& id) {
  Lookup out{.digest = id.text_or("imageDigest", ""), .tag = id.text_or("imageTag", "")};
  const auto fail = [&](const char* code, const char* reason) {
    out.failure = code;
    out.reason = reason;
    return out;
  };
  if (out.digest.empty() && out.tag.empty()) {
    return fail("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null");
  }
  if (!out.digest.empty() && !Digest::parse(out.digest)) {
    return fail("InvalidImageDigest",
                "Invalid request parameters: image digest should satisfy the regex "
                "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'");
  }
  if (!out.tag.empty() && !Reference::is_tag(out.tag)) {
    return fail("InvalidImageTag", "Invalid request parameters: image tag is not valid");
  }
  out.manifest = call.backend.image(repository, out.tag.empty() ? out.digest : out.tag);
  if (!out.manifest) return fail("ImageNotFound", "Requested image not found");
  if (!out.digest.empty() && out.manifest->descriptor().digest.to_string() != out.digest) {
    return fail("ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest");
  }
  return out;
}

json image_of(const ApiCall& call, const std::string& repository, const Manifest& manifest,
              const std::string& tag) {
  return {{"registryId", call.backend.place().account},
          {"repositoryName", repository},
          {"imageId", image_id(manifest.descriptor().digest.to_string(), tag)},
          {"imageManifest", manifest.bytes()},
          {"imageManifestMediaType", manifest.descriptor().media_type}};
}

json batch_get_image(const ApiCall& call) {
  const auto ids = call.input.objects("imageIds", 1, 100);
  const auto accepted = call.input.texts("acceptedMediaTypes", 0, 100);
  const std::string name = call.admitted_name();
  std::vector<bool> later;  // those that have only begun to come from upstream
  for (const auto& id : ids) {
    const std::string reference = id.text_or("imageTag", id.text_or("imageDigest", ""));
    later.push_back(call.backend.import(name, reference, call.caller.arn));
  }
  if (!call.backend.has(name)) throw call.backend.no_repository(name);
  json images = json::array();
  json failures = json::array();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Lookup found = look_up(call, name, ids[i]);
    if (found.failure.empty() &&
        (later[i] || call.backend.status(name, found.manifest->descriptor().digest) != "ACTIVE")) {
      found.failure = "ImageNotFound";
      found.reason = "Requested image not found";
    }
    if (found.failure.empty() && call.backend.controls().modes().is("accept", "strict") &&
        !accepted.empty() &&
        std::ranges::find(accepted, found.manifest->descriptor().media_type) == accepted.end()) {
      found.failure = "ImageNotFound";
      found.reason = "Requested image not found";
    }
    if (!found.failure.empty()) {
      failures.push_back(found.failed());
      continue;
    }
    call.backend.pulled(name, found.manifest->descriptor().digest, call.caller.arn);
    images.push_back(image_of(call, name, *found.manifest, found.tag));
  }
  return {{"images", images}, {"failures", failures}};
}

json batch_delete_image(const ApiCall& call) {
  const auto ids = call.input.objects("imageIds", 1, 100);
  const std::string name = call.admitted_repository();
  json gone = json::array();
  json failures = json::array();
  for (const auto& id : ids) {
    Lookup found = look_up(call, name, id);
    if (found.failure.empty() && found.tag.empty()) {
      const auto indexes = call.backend.indexes_of(name, found.manifest->descriptor().digest);
      if (!indexes.empty()) {
        found.failure = "ImageReferencedByManifestList";
        found.reason = "Requested image referenced by manifest list: [" + indexes.front().to_string() + "]";
      }
    }
    if (!found.failure.empty()) {
      failures.push_back(found.failed());
      continue;
    }
    const Digest digest = found.manifest->descriptor().digest;
    if (!found.tag.empty()) {
      call.backend.remove_tag(name, found.tag);
      gone.push_back(image_id(digest.to_string(), found.tag));
      continue;
    }
    const auto tags = call.backend.tags_of(name, digest);
    if (tags.empty()) gone.push_back(image_id(digest.to_string(), ""));
    for (const auto& tag : tags) gone.push_back(image_id(digest.to_string(), tag));
    call.backend.remove_image(name, digest);
  }
  return {{"imageIds", gone}, {"failures", failures}};
}

json put_image(const ApiCall& call) {
  const std::string manifest = call.input.text("imageManifest");
  NewImage image{.bytes = manifest,
                 .media_type = call.input.text_or("imageManifestMediaType", ""),
                 .tag = call.input.text_or("imageTag", "")};
  if (!image.tag.empty() && !Reference::is_tag(image.tag)) {
    throw invalid_parameter("imageTag",
                            "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'");
  }
  if (call.input.has("imageDigest")) {
    const auto digest = Digest::parse(call.input.text("imageDigest"));
    if (!digest) throw invalid_parameter("imageDigest", "Invalid image digest");
    image.digest = *digest;
  }
  const std::string tag = image.tag;
  const std::string name = call.admitted_repository();
  return {{"image", image_of(call, name, call.backend.put_image(name, std::move(image), Door::api), tag)}};
}

/// Whether `filter` lets an image with or without tags through.
bool passes(const ApiCall& call, const std::string& repository, const Digest& digest, bool tagged) {
  const auto filter = call.input.object("filter");
  if (!filter) return true;
  const std::string image = filter->one_of("imageStatus", "ANY", {"ACTIVE", "ARCHIVED", "ACTIVATING", "ANY"});
  if (image != "ANY" && call.backend.status(repository, digest) != image) return false;
  const std::string tags = filter->one_of("tagStatus", "ANY", {"TAGGED", "UNTAGGED", "ANY"});
  return tags == "ANY" || (tags == "TAGGED") == tagged;
}

json list_images(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  std::vector<json> rows;
  auto all_tags = call.backend.tags(name);
  for (const auto& manifest : call.backend.storage().manifests(name)) {
    const std::string digest = manifest.descriptor().digest.to_string();
    const auto tags = all_tags[manifest.descriptor().digest];
    if (!passes(call, name, manifest.descriptor().digest, !tags.empty())) continue;
    if (tags.empty()) rows.push_back(image_id(digest, ""));
    for (const auto& tag : tags) rows.push_back(image_id(digest, tag));
  }
  return paged(call.input, "imageIds", rows);
}

/// What pulling it moves: layers and config, or for an index its own document.
std::uint64_t size_of(const Manifest& manifest) {
  std::uint64_t size = manifest.is_index() ? manifest.descriptor().size : 0;
  if (!manifest.is_index()) {
    for (const auto& child : manifest.children()) size += child.size;
  }
  return size;
}

json detail_of(const ApiCall& call, const std::string& name, const Manifest& manifest,
               const std::vector<std::string>& tags) {
  const Digest digest = manifest.descriptor().digest;
  const ImageTimes times = call.backend.times(name, digest);
  json out = {{"registryId", call.backend.place().account},
              {"repositoryName", name},
              {"imageDigest", digest.to_string()},
              {"imageSizeInBytes", size_of(manifest)},
              {"imagePushedAt", epoch(times.pushed)},
              {"imageManifestMediaType", manifest.descriptor().media_type}};
  if (!call.for_public) out["imageStatus"] = call.backend.status(name, digest);
  if (times.archived && !call.for_public) out["lastArchivedAt"] = epoch(*times.archived);
  if (times.restored && !call.for_public) out["lastActivatedAt"] = epoch(*times.restored);
  if (!tags.empty()) out["imageTags"] = tags;
  std::string type = manifest.artifact_type();
  if (type.empty() && manifest.config()) type = manifest.config()->media_type;
  if (!type.empty()) out["artifactMediaType"] = type;
  if (times.pulled && !call.for_public) out["lastRecordedPullTime"] = epoch(*times.pulled);
  if (manifest.subject()) out["subjectManifestDigest"] = manifest.subject()->digest.to_string();
  return out;
}

json describe_images(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  json details = json::array();
  auto all_tags = call.backend.tags(name);
  const auto ids = call.input.objects("imageIds", 0, 100);
  if (!ids.empty()) {
    std::set<Digest> seen;
    for (const auto& id : ids) {
      const Lookup found = look_up(call, name, id);
      if (!found.failure.empty()) throw call.backend.no_image(name, found.digest, found.tag);
      if (seen.insert(found.manifest->descriptor().digest).second) {
        details.push_back(
            detail_of(call, name, *found.manifest, all_tags[found.manifest->descriptor().digest]));
      }
    }
    return {{"imageDetails", details}};
  }
  std::vector<Manifest> images;
  for (const auto& manifest : call.backend.storage().manifests(name)) {
    const Digest digest = manifest.descriptor().digest;
    if (passes(call, name, digest, all_tags.contains(digest))) images.push_back(manifest);
  }
  const ApiPage page = page_of(call.input, images.size(), 100, 1000);
  for (std::size_t i = page.first; i < page.last; ++i)
    details.push_back(detail_of(call, name, images[i], all_tags[images[i].descriptor().digest]));
  json out = {{"imageDetails", details}};
  if (!page.next.empty()) out["nextToken"] = page.next;
  return out;
}

/// Of the public gallery.
json describe_image_tags(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  std::vector<json> rows;
  for (const auto& tag : call.backend.storage().tags(name)) {
    const auto manifest = call.backend.image(name, tag);
    if (!manifest) continue;
    json detail = detail_of(call, name, *manifest, {});
    detail.erase("registryId");
    detail.erase("repositoryName");
    const double pushed = epoch(call.backend.times(name, manifest->descriptor().digest).pushed);
    rows.push_back({{"imageTag", tag}, {"createdAt", pushed}, {"imageDetail", detail}});
  }
  return paged(call.input, "imageTagDetails", rows);
}

json list_image_referrers(const ApiCall& call) {
  const auto subject = call.input.object("subjectId");
  if (!subject) throw invalid_parameter("subjectId", "Member must not be null");
  const auto digest = Digest::parse(subject->text("imageDigest"));
  if (!digest) throw invalid_parameter("subjectId.imageDigest", "Invalid image digest");
  std::vector<std::string> types;
  if (const auto filter = call.input.object("filter")) types = filter->texts("artifactTypes", 0, 5);
  const std::string name = call.admitted_repository();
  std::vector<json> rows;
  for (const auto& manifest : call.backend.storage().referrers(name, *digest)) {
    std::string type = manifest.artifact_type();
    if (type.empty() && manifest.config()) type = manifest.config()->media_type;
    if (!types.empty() && std::ranges::find(types, type) == types.end()) continue;
    json row = {{"digest", manifest.descriptor().digest.to_string()},
                {"mediaType", manifest.descriptor().media_type},
                {"size", manifest.descriptor().size},
                {"artifactStatus", "ACTIVE"}};
    if (!type.empty()) row["artifactType"] = type;
    if (!manifest.annotations().empty()) row["annotations"] = manifest.annotations();
    rows.push_back(std::move(row));
  }
  return paged(call.input, "referrers", rows, 50, 50);
}

}  // namespace

Manifest named_image(const ApiCall& call, const std::string& repository, const Input& id) {
  const Lookup found = look_up(call, repository, id);
  if (!found.failure.empty()) throw call.backend.no_image(repository, found.digest, found.tag);
  return *found.manifest;
}

void add_image_operations(ApiOperations& all) {
  all["BatchGetImage"] = batch_get_image;
  all["BatchDeleteImage"] = batch_delete_image;
  all["PutImage"] = put_image;
  all["ListImages"] = list_images;
  all["DescribeImages"] = describe_images;
  all["DescribeImageTags"] = describe_image_tags;
  all["ListImageReferrers"] = list_image_referrers;
}

}  // namespace davit::emulator
