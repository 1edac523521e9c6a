// Manifests, tags, the catalog and referrers.
#include <algorithm>
#include <charconv>
#include <utility>

#include <davit/reference.h>

#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/manifest_rules.h"
#include "emulator/ecr/read_body.h"
#include "emulator/ecr/registry_front.h"
#include "emulator/respond.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

constexpr std::size_t kPage = 100;
constexpr std::size_t kLargestPage = 1000;

/// Whether an Accept header lets this type through; none lets everything.
bool accepts(const Request& request, const std::string& type) {
  bool any = false;
  for (const auto& header : request.headers) {
    if (header.name.size() != 6 || find_header({header}, "Accept") == nullptr) continue;
    any = true;
    if (header.value.find(type) != std::string::npos || header.value.find("*/*") != std::string::npos)
      return true;
  }
  return !any;
}

/// One page of names, in an order that nobody should count on.
struct Listing {
  std::vector<std::string> names;
  std::string link;  ///< the Link header; empty on the last page
};
Listing page_of(std::vector<std::string> all, const Request& request, const Modes& modes,
                const std::string& url) {
  if (modes.is("tag-order", "scrambled")) {
    std::ranges::sort(all, {}, [](const std::string& name) { return Digest::of(name).hex(); });
  }
  std::size_t n = kPage;
  const auto* asked = request.parameter("n");
  if (asked != nullptr) {
    const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), n);
    if (error != std::errc{} || end != asked->data() + asked->size() || n < 1) {
      throw invalid_parameter("maxResults", "Member must have value greater than or equal to 1");
    }
    if (n > kLargestPage) {
      throw invalid_parameter("maxResults", "Member must have value less than or equal to 1000");
    }
  }
  std::size_t first = 0;
  if (const auto* last = request.parameter("last")) {
    const auto at = read_page_token(*last);
    if (!at) throw invalid_parameter("nextToken", "Invalid token");
    first = std::min(*at, all.size());
  }
  const std::size_t end = std::min(all.size(), first + n);
  Listing page{
      {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(end)}, ""};
  if (end < all.size()) {
    page.link = "<" + url + request.path + "?last=" + percent_encoded(page_token(end)) +
                (asked == nullptr ? "" : "&n=" + *asked) + ">; rel=\"next\"";
  }
  return page;
}

Response listing(const Listing& page, std::string before) {
  std::string body = std::move(before) + "[";
  for (const auto& name : page.names) body += (body.back() == '[' ? "" : ",") + json_string(name);
  // Not application/json, though it is.
  Response response{.headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = body + "]}"};
  if (!page.link.empty()) response.headers.push_back({"Link", page.link});
  return response;
}

}  // namespace

Response RegistryFront::manifest_get(const Call& call) {
  admit(call, call.operation);
  if (backend_.import(call.repository, call.name, call.arn))
    throw backend_.no_image(call.repository, "", call.name);
  require_repository(call);
  const auto manifest = backend_.image(call.repository, call.name);
  const bool refused = manifest && call.modes.is("accept", "strict") &&
                       !accepts(call.request, manifest->descriptor().media_type);
  const bool active = manifest && backend_.status(call.repository, manifest->descriptor().digest) == "ACTIVE";
  if (!active || refused) throw backend_.no_image(call.repository, "", call.name);
  Response response{.headers = {{"Content-Type", manifest->descriptor().media_type}},
                    .body = manifest->bytes()};
  if (call.request.method == "GET") {
    backend_.pulled(call.repository, manifest->descriptor().digest, call.arn);
  } else {
    response.headers.push_back({"Docker-Content-Digest", manifest->descriptor().digest.to_string()});
  }
  return response;
}

Response RegistryFront::manifest_put(const Call& call) {
  admit(call, call.operation);
  require_repository(call);
  const auto body = read_body(call.request, kManifestLimit + 1);
  if (!body)
    throw invalid_parameter("ImageManifest", "Member must have length less than or equal to 4194304");
  NewImage image{.bytes = *body, .media_type = call.request.header("Content-Type")};
  if (const auto digest = Digest::parse(call.name)) {
    image.digest = *digest;
  } else if (Reference::is_tag(call.name)) {
    image.tag = call.name;
  } else {
    throw invalid_parameter("imageTag",
                            "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'");
  }
  const Manifest manifest = backend_.put_image(call.repository, std::move(image), Door::registry);
  Response response{.status = 201};
  if (call.modes.is("put-digest", "on")) {
    response.headers.push_back({"Docker-Content-Digest", manifest.descriptor().digest.to_string()});
  }
  if (manifest.subject()) {
    response.headers.push_back({"OCI-Subject", manifest.subject()->digest.to_string()});
  }
  return response;
}

Response RegistryFront::manifest_delete(const Call& call) {
  admit(call, call.operation);
  require_repository(call);
  if (call.modes.is("delete-manifest", "404")) {
    return {.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = "404 page not found\n"};
  }
  if (call.modes.is("delete-manifest", "405")) return emulator::refusal(405, code::kUnsupported);
  const auto digest = Digest::parse(call.name);
  if (!digest && call.modes.is("delete-tag", "405")) {
    throw invalid_parameter("imageDigest", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'");
  }
  if (!backend_.image(call.repository, call.name)) throw backend_.no_image(call.repository, call.name, "");
  if (!digest) {
    backend_.remove_tag(call.repository, call.name);
    return {.status = 202};
  }
  const auto indexes = backend_.indexes_of(call.repository, *digest);
  if (!indexes.empty()) {
    throw Refusal{"ImageReferencedByManifestListException",
                  "Requested image referenced by manifest list: [" + indexes.front().to_string() + "]"};
  }
  backend_.remove_image(call.repository, *digest);
  return {.status = 202};
}

Response RegistryFront::tags_list(const Call& call) {
  admit(call, call.operation);
  require_repository(call);
  const auto page = page_of(backend_.storage().tags(call.repository), call.request, call.modes,
                            backend_.place().registry_url);
  return listing(page, "{\"name\":" + json_string(call.repository) + ",\"tags\":");
}

Response RegistryFront::catalog(const Call& call) {
  admit(call, call.operation);
  std::vector<std::string> names;
  for (const auto& record : backend_.all()) names.push_back(record.name);
  return listing(page_of(std::move(names), call.request, call.modes, backend_.place().registry_url),
                 "{\"repositories\":");
}

Response RegistryFront::referrers(const Call& call) {
  admit(call, call.operation);
  require_repository(call);
  const auto subject = Digest::parse(call.name);
  if (!subject) throw invalid_parameter("imageDigest", "Invalid image digest");
  const auto* wanted =
      call.modes.is("referrers-filter", "on") ? call.request.parameter("artifactType") : nullptr;
  std::vector<std::string> entries;
  for (const auto& manifest : backend_.storage().referrers(call.repository, *subject)) {
    const Descriptor& descriptor = manifest.descriptor();
    std::string type = manifest.artifact_type();
    if (type.empty() && manifest.config()) type = manifest.config()->media_type;
    if (wanted != nullptr && type != *wanted) continue;
    std::string annotations;
    for (const auto& [name, value] : manifest.annotations()) {
      annotations += (annotations.empty() ? "" : ",") + json_string(name) + ":" + json_string(value);
    }
    entries.push_back("{\"mediaType\":" + json_string(descriptor.media_type) +
                      ",\"digest\":" + json_string(descriptor.digest.to_string()) +
                      ",\"size\":" + std::to_string(descriptor.size) +
                      (type.empty() ? "" : ",\"artifactType\":" + json_string(type)) +
                      (annotations.empty() ? "" : ",\"annotations\":{" + annotations + "}") + "}");
  }
  std::size_t first = 0;
  if (const auto* token = call.request.parameter("nextToken")) {
    const auto at = read_page_token(*token);
    if (!at) throw invalid_parameter("nextToken", "Invalid token");
    first = std::min(*at, entries.size());
  }
  const std::size_t end = std::min<std::size_t>(entries.size(), first + call.modes.number("referrers-page"));
  std::string list;
  for (std::size_t i = first; i < end; ++i) list += (list.empty() ? "" : ",") + entries[i];
  Response response{.headers = {{"Content-Type", std::string(model::kOciIndex)}},
                    .body = "{\"schemaVersion\":2,\"mediaType\":" + json_string(model::kOciIndex) +
                            ",\"manifests\":[" + list + "]}"};
  if (wanted != nullptr) response.headers.push_back({"OCI-Filters-Applied", "artifactType"});
  if (end < entries.size()) {
    const auto* type = call.request.parameter("artifactType");
    response.headers.push_back(
        {"Link", "<" + backend_.place().registry_url + call.request.path +
                     "?nextToken=" + percent_encoded(page_token(end)) +
                     (type == nullptr ? "" : "&artifactType=" + percent_encoded(*type)) + ">; rel=\"next\""});
  }
  return response;
}

}  // namespace davit::emulator
