// Blobs: looking, the way to the store, uploads.
#include <algorithm>
#include <utility>

#include "emulator/ecr/registry_front.h"
#include "emulator/respond.h"
#include "emulator/serve_blob.h"

namespace davit::emulator {
namespace {

constexpr std::uint64_t kSmall = 4096;

}  // namespace

Response RegistryFront::blob_get(const Call& call) {
  admit(call, call.operation);
  require_repository(call);
  const auto digest = Digest::parse(call.name);
  if (!digest) throw invalid_parameter("layerDigest", "Invalid layer digest");
  auto blob = backend_.storage().blob(call.repository, *digest);
  const bool head = call.request.method == "HEAD";
  if (blob == nullptr && head && call.modes.is("head-blob", "account")) {
    for (const auto& record : backend_.all()) {
      if (blob == nullptr) blob = backend_.storage().blob(record.name, *digest);
    }
  }
  const std::string in = "the repository with name '" + call.repository + "' in the registry with id '" +
                         backend_.place().account + "'";
  if (blob == nullptr) {
    throw Refusal{"BlobNotFound", "The layer with digest '" + call.name + "' does not exist within " + in};
  }
  const Headers type{{"Content-Type", "application/octet-stream"}, {"Docker-Content-Digest", call.name}};
  if (head) return {.headers = type, .stream_length = blob->size(), .stream = Blob::reader(blob, 0)};
  if (!backend_.used(call.repository).contains(*digest)) {
    const int status = static_cast<int>(call.modes.number("unreferenced-blob"));
    return emulator::refusal(
        status, status == 404 ? code::kBlobUnknown : code::kDenied,
        "The layer with digest '" + call.name + "' is not used by an image within " + in);
  }
  if (call.modes.is("small-blobs", "direct") && blob->size() < kSmall) {
    return {.headers = type, .stream_length = blob->size(), .stream = Blob::reader(blob, 0)};
  }
  return {.status = 307, .headers = {{"Location", store_.url_of(call.repository, *digest)}}};
}

Response RegistryFront::blob_delete(const Call& call) {
  require_repository(call);
  const auto digest = Digest::parse(call.name);
  if (call.modes.is("delete-blob", "405")) return emulator::refusal(405, code::kUnsupported);
  if (!digest || !backend_.storage().remove_blob(call.repository, *digest)) {
    throw Refusal{"BlobNotFound", "The layer does not exist"};
  }
  return {.status = 202};
}

std::string RegistryFront::upload_location(const Call& call, const std::string& upload) const {
  const std::string path = "/v2/" + call.repository + "/blobs/uploads/" + upload;
  return call.modes.is("upload-location", "relative") ? path : backend_.place().registry_url + path;
}

Response RegistryFront::upload_post(const Call& call) {
  if (backend_.controls().denied(call.operation, call.repository) && call.modes.is("upload-denied", "cut")) {
    return {.cut_after = 0};
  }
  admit(call, call.operation);
  if (!backend_.has(call.repository)) {
    const bool anyway = call.modes.is("missing-repository", "create");
    if (!backend_.create_by_template(call.repository, "CREATE_ON_PUSH", call.arn, anyway)) {
      if (call.modes.is("missing-repository", "cut")) return {.cut_after = 0};
      throw backend_.no_repository(call.repository);
    }
  }
  const auto* mount = call.request.parameter("mount");
  const auto* from = call.request.parameter("from");
  const auto mounted = Digest::parse(mount == nullptr ? "" : *mount);
  if (mounted && from != nullptr && call.modes.is("mount", "on") && !call.is_public() &&
      !backend_.controls().denied("GetDownloadUrlForLayer", *from) &&
      backend_.mount(call.repository, *from, *mounted)) {
    return {.status = 201,
            .headers = {
                {"Location", backend_.place().registry_url + "/v2/" + call.repository + "/blobs/" + *mount},
                {"Docker-Content-Digest", *mount}}};
  }
  const std::string upload = backend_.begin_upload(call.repository);
  const auto* digest = call.request.parameter("digest");
  if (digest != nullptr && call.modes.is("single-post", "store")) {
    receive(call, upload);
    return finish(call, upload, *digest);
  }
  return {.status = 202,
          .headers = {
              {"Location", upload_location(call, upload)}, {"Range", "0-0"}, {"Docker-Upload-UUID", upload}}};
}

std::uint64_t RegistryFront::receive(const Call& call, const std::string& upload) {
  Backend::Chunk chunk{.first = {}, .read = call.request.read};
  const std::string range = call.request.header("Content-Range");
  if (!range.empty()) {
    const auto span = parse_span(range, 0, false);
    if (!span) throw invalid_parameter("Content-Range", "must be FIRST-LAST");
    chunk.first = span->first;
  }
  return backend_.receive(call.repository, upload, chunk, call.arn);
}

Response RegistryFront::upload_patch(const Call& call) {
  const std::uint64_t size = receive(call, call.name);
  // However much has come, this never says more than the first part.
  const std::uint64_t shown = std::min(std::max<std::uint64_t>(size, 1), call.modes.number("part-bytes"));
  return {.status = 201,
          .headers = {{"Location", upload_location(call, call.name)},
                      {"Range", "0-" + std::to_string(shown - 1)},
                      {"Docker-Upload-UUID", call.name}}};
}

Response RegistryFront::upload_put(const Call& call) {
  const auto* digest = call.request.parameter("digest");
  receive(call, call.name);
  if (!call.request.body_complete()) {
    // What has come stays; whoever begins again at the beginning is refused.
    return emulator::refusal(400, code::kBlobUploadInvalid, "the body broke off");
  }
  return finish(call, call.name, digest == nullptr ? "" : *digest);
}

Response RegistryFront::finish(const Call& call, const std::string& upload, const std::string& text) {
  admit(call, "CompleteLayerUpload");
  const auto digest = Digest::parse(text);
  if (!digest) throw invalid_parameter("layerDigests", "Invalid layer digest");
  backend_.complete(call.repository, upload, {*digest});
  Response response{
      .status = 201,
      .headers = {{"Location", backend_.place().registry_url + "/v2/" + call.repository + "/blobs/" + text}}};
  if (call.modes.is("put-digest", "on")) response.headers.push_back({"Docker-Content-Digest", text});
  return response;
}

Response RegistryFront::upload_other(const Call& call) {
  const bool cancel = call.request.method == "DELETE";
  const int status = static_cast<int>(call.modes.number(cancel ? "upload-cancel" : "upload-query"));
  auto upload = status == 404 ? nullptr : backend_.storage().take_upload(call.repository, call.name);
  if (upload == nullptr) throw backend_.no_upload(call.repository, call.name);
  Response response{.status = status};
  if (cancel) {
    backend_.storage().cancel(std::move(upload));
    return response;
  }
  response.headers = {{"Location", upload_location(call, call.name)},
                      {"Range", "0-" + std::to_string(upload->size == 0 ? 0 : upload->size - 1)}};
  backend_.storage().give_back(std::move(upload));
  return response;
}

}  // namespace davit::emulator
