// Manifests, tags, the catalog and referrers.
#include <algorithm>
#include <charconv>
#include <utility>

#include <davit/reference.h>

#include "emulator/registry.h"
#include "emulator/respond.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

/// One page of `all` as `n` and `last` ask for it.
struct Page {
  std::vector<std::string> names;
  std::string link;  ///< the Link header; empty on the last page
};
Page page_of(const std::vector<std::string>& all, const Request& request, int page_size) {
  std::size_t n = static_cast<std::size_t>(page_size);
  if (const auto* text = request.parameter("n")) {
    std::size_t asked = 0;
    std::from_chars(text->data(), text->data() + text->size(), asked);
    n = std::min(n, asked);
  }
  auto first = all.begin();
  if (const auto* last = request.parameter("last")) first = std::upper_bound(all.begin(), all.end(), *last);
  const auto left = static_cast<std::size_t>(all.end() - first);
  Page page{{first, first + static_cast<std::ptrdiff_t>(std::min(n, left))}, ""};
  if (n < left && n > 0) {
    page.link = "<" + request.path + "?last=" + percent_encoded(page.names.back()) +
                "&n=" + std::to_string(n) + ">; rel=\"next\"";
  }
  return page;
}

std::string json_list(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const auto& name : names) out += (out.size() > 1 ? "," : "") + json_string(name);
  return out + "]";
}

Response listing(const Page& page, std::string body) {
  Response response{.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
  if (!page.link.empty()) response.headers.push_back({"Link", page.link});
  return response;
}

}  // namespace

Response Registry::manifest_get(const Call& call) {
  auto digest = Digest::parse(call.name);
  if (!digest) {
    if (!Reference::is_tag(call.name)) return refusal(400, code::kManifestInvalid, call.name);
    const auto tagged = storage_.tag(call.repository, call.name);
    if (!tagged) return refusal(404, code::kManifestUnknown, call.name);
    digest = *tagged;
  }
  const auto manifest = storage_.manifest(call.repository, *digest);
  if (!manifest || !visibility_.visible(call.repository, *digest)) {
    return refusal(404, code::kManifestUnknown, call.name);
  }
  Response response{.headers = {{"Content-Type", manifest->descriptor().media_type}},
                    .body = manifest->bytes()};
  if (call.behaviour.digest_headers)
    response.headers.push_back({"Docker-Content-Digest", digest->to_string()});
  return response;
}

Response Registry::manifest_put(const Call& call) {
  std::string bytes;
  std::string block(65536, '\0');
  while (const std::size_t n = call.request.read(block.data(), block.size())) {
    bytes.append(block, 0, n);
    if (bytes.size() > Manifest::kMaxSize) return refusal(413, code::kManifestInvalid, "too large");
  }
  if (!call.request.body_complete()) return refusal(400, code::kManifestInvalid, "the body broke off");
  const auto by_digest = Digest::parse(call.name);
  if (!by_digest && !Reference::is_tag(call.name)) return refusal(400, code::kManifestInvalid, call.name);
  const auto algorithm = by_digest ? by_digest->algorithm() : Digest::Algorithm::sha256;
  const auto manifest = Manifest::parse(std::move(bytes), call.request.header("Content-Type"), algorithm);
  if (!manifest) return refusal(400, code::kManifestInvalid, manifest.error().message);
  const Digest digest = manifest->descriptor().digest;
  if (by_digest && *by_digest != digest) return refusal(400, code::kDigestInvalid, call.name);
  for (const auto& child : manifest->children()) {
    if (model::is_foreign_layer(child.media_type)) continue;
    const bool there = model::is_manifest(child.media_type)
                           ? storage_.manifest(call.repository, child.digest).has_value()
                           : storage_.blob(call.repository, child.digest) != nullptr;
    if (!there || !visibility_.visible(call.repository, child.digest)) {
      return refusal(400, code::kManifestBlobUnknown, child.digest.to_string());
    }
  }
  if (!by_digest) {
    const auto before = storage_.tag(call.repository, call.name);
    if (call.behaviour.immutable_tags && before && *before != digest) {
      return refusal(409, code::kTagImmutable, "the tag " + call.name + " is immutable");
    }
  }
  const bool fresh = !storage_.manifest(call.repository, digest).has_value();
  storage_.put_manifest(call.repository, *manifest);
  if (fresh) visibility_.written(call.repository, digest, call.behaviour);
  if (!by_digest) storage_.set_tag(call.repository, call.name, digest);

  Response response{.status = call.behaviour.manifest_put_status,
                    .headers = {{"Location", "/v2/" + call.repository + "/manifests/" + digest.to_string()}}};
  if (call.behaviour.digest_headers)
    response.headers.push_back({"Docker-Content-Digest", digest.to_string()});
  if (manifest->subject())
    response.headers.push_back({"OCI-Subject", manifest->subject()->digest.to_string()});
  return response;
}

Response Registry::manifest_delete(const Call& call) {
  const auto digest = Digest::parse(call.name);
  const bool removed = digest ? storage_.remove_manifest(call.repository, *digest)
                              : storage_.remove_tag(call.repository, call.name);
  return removed ? Response{.status = 202} : refusal(404, code::kManifestUnknown, call.name);
}

Response Registry::tags_list(const Call& call) {
  if (!storage_.has_repository(call.repository)) return refusal(404, code::kNameUnknown, call.repository);
  const Page page = page_of(storage_.tags(call.repository), call.request, call.behaviour.page_size);
  return listing(page,
                 "{\"name\":" + json_string(call.repository) + ",\"tags\":" + json_list(page.names) + "}");
}

Response Registry::catalog(const Call& call) {
  const Page page = page_of(storage_.repositories(), call.request, call.behaviour.page_size);
  return listing(page, "{\"repositories\":" + json_list(page.names) + "}");
}

Response Registry::referrers(const Call& call) {
  const auto subject = Digest::parse(call.name);
  if (!subject) return refusal(400, code::kDigestInvalid, call.name);
  const auto* wanted = call.request.parameter("artifactType");
  std::string entries;
  for (const auto& manifest : storage_.referrers(call.repository, *subject)) {
    const Descriptor& descriptor = manifest.descriptor();
    std::string type = manifest.artifact_type();
    if (type.empty() && manifest.config()) type = manifest.config()->media_type;
    if (wanted != nullptr && type != *wanted) continue;
    std::string annotations;
    for (const auto& [name, value] : manifest.annotations()) {
      annotations += (annotations.empty() ? "" : ",") + json_string(name) + ":" + json_string(value);
    }
    entries += (entries.empty() ? "" : ",") + ("{\"mediaType\":" + json_string(descriptor.media_type)) +
               ",\"digest\":" + json_string(descriptor.digest.to_string()) +
               ",\"size\":" + std::to_string(descriptor.size) +
               (type.empty() ? "" : ",\"artifactType\":" + json_string(type)) +
               (annotations.empty() ? "" : ",\"annotations\":{" + annotations + "}") + "}";
  }
  Response response{.headers = {{"Content-Type", std::string(model::kOciIndex)}},
                    .body = "{\"schemaVersion\":2,\"mediaType\":" + json_string(model::kOciIndex) +
                            ",\"manifests\":[" + entries + "]}"};
  if (wanted != nullptr) response.headers.push_back({"OCI-Filters-Applied", "artifactType"});
  return response;
}

}  // namespace davit::emulator
