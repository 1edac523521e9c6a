// Blobs, their uploads, and the store that blob downloads may be sent to.
#include <algorithm>
#include <utility>

#include "emulator/registry.h"
#include "emulator/respond.h"
#include "emulator/serve_blob.h"

namespace davit::emulator {
namespace {

using std::chrono::steady_clock;
constexpr std::size_t kBlock = 64u << 10;

}  // namespace

Response Registry::blob_get(const Call& call) {
  const auto digest = Digest::parse(call.name);
  if (!digest) return refusal(400, code::kDigestInvalid, call.name);
  const auto blob = storage_.blob(call.repository, *digest);
  if (blob == nullptr || !visibility_.visible(call.repository, *digest)) {
    return refusal(404, code::kBlobUnknown, call.name);
  }
  if (call.behaviour.redirect_blobs && call.request.method == "GET") return to_store(call, *digest);
  Response response = serve_blob(call.request, blob);
  if (call.behaviour.digest_headers)
    response.headers.push_back({"Docker-Content-Digest", digest->to_string()});
  return response;
}

Response Registry::to_store(const Call& call, const Digest& digest) {
  MutexLock lock(mutex_);
  const std::string signature = "grant" + std::to_string(grants_.size() + 1);
  grants_[signature] = {call.repository, digest, steady_clock::now() + call.behaviour.store_url_life,
                        call.behaviour.store_url_uses};
  return {.status = call.behaviour.redirect_status,
          .headers = {
              {"Location", store_->url() + "/" + digest.hex() + "?X-Expires=60&X-Signature=" + signature}}};
}

Response Registry::store_port(Request& request) {
  if (!request.header("Authorization").empty()) {
    return store_refusal(400, "InvalidArgument", "Only one auth mechanism allowed");
  }
  if (request.method != "GET")
    return store_refusal(403, "SignatureDoesNotMatch", "The URL is signed for GET");
  const auto* signature = request.parameter("X-Signature");
  Grant grant;
  {
    MutexLock lock(mutex_);
    const auto found = signature == nullptr ? grants_.end() : grants_.find(*signature);
    if (found == grants_.end()) return store_refusal(403, "AccessDenied", "Access Denied");
    Grant& held = found->second;
    if (steady_clock::now() >= held.until || held.uses < 0) {
      return store_refusal(403, "AccessDenied", "Request has expired");
    }
    if (held.uses > 0 && --held.uses == 0) held.uses = -1;
    grant = held;
  }
  const auto blob = storage_.blob(grant.repository, grant.digest);
  return blob == nullptr ? store_refusal(404, "NoSuchKey", "The specified key does not exist")
                         : serve_blob(request, blob);
}

Response Registry::blob_delete(const Call& call) {
  const auto digest = Digest::parse(call.name);
  if (!digest) return refusal(400, code::kDigestInvalid, call.name);
  if (!storage_.remove_blob(call.repository, *digest)) return refusal(404, code::kBlobUnknown, call.name);
  return {.status = 202};
}

std::unique_ptr<Upload> Registry::take(const Call& call) {
  auto upload = storage_.take_upload(call.repository, call.name);
  if (upload == nullptr || !call.behaviour.newest_location_only) return upload;
  const auto* state = call.request.parameter("_state");
  if (state != nullptr && *state == std::to_string(upload->state)) return upload;
  storage_.give_back(std::move(upload));
  return nullptr;
}

Response Registry::session_answer(const Call& call, int status, std::unique_ptr<Upload> upload) {
  const std::string query = "?_state=" + std::to_string(++upload->state);
  const std::string path = "/v2/" + call.repository + "/blobs/uploads/" + upload->id + query;
  std::string location = path;
  using Form = Behaviour::Location;
  if (call.behaviour.location == Form::absolute) location = server_->url() + path;
  if (call.behaviour.location == Form::relative) location = upload->id + query;
  if (call.behaviour.location == Form::query && !call.name.empty()) location = query;
  Response response{.status = status,
                    .headers = {{"Location", location},
                                {"Range", "0-" + std::to_string(upload->size == 0 ? 0 : upload->size - 1)},
                                {"Docker-Upload-UUID", upload->id}}};
  if (call.behaviour.chunk_min_length > 0 && call.name.empty()) {
    response.headers.push_back({"OCI-Chunk-Min-Length", std::to_string(call.behaviour.chunk_min_length)});
  }
  storage_.give_back(std::move(upload));
  return response;
}

Response Registry::upload_post(const Call& call) {
  const auto* mount = call.request.parameter("mount");
  const auto* from = call.request.parameter("from");
  if (mount != nullptr) {
    const auto digest = Digest::parse(*mount);
    if (!digest) return refusal(400, code::kDigestInvalid, *mount);
    const int forced = call.behaviour.mount_status.value_or(201);
    if (forced != 201 && forced != 202)
      return refusal(forced, forced == 401 ? code::kUnauthorized : code::kUnsupported);
    if (forced == 201 && storage_.link_blob(call.repository, from == nullptr ? "" : *from, *digest)) {
      return {.status = 201,
              .headers = {{"Location", "/v2/" + call.repository + "/blobs/" + *mount},
                          {"Docker-Content-Digest", *mount}}};
    }
  }
  auto upload = storage_.take_upload(call.repository, storage_.begin_upload(call.repository));
  {
    MutexLock lock(mutex_);
    ++uploads_.begun;
  }
  const bool single = call.request.parameter("digest") != nullptr && call.behaviour.single_post &&
                      call.behaviour.single_post_status == 201;
  if (!single) return session_answer(call, 202, std::move(upload));
  return close_upload(call, std::move(upload), call.behaviour.single_post_status);
}

Response Registry::upload_patch(const Call& call) {
  auto upload = take(call);
  if (upload == nullptr) return refusal(404, code::kBlobUploadUnknown, call.name);
  const std::string range = call.request.header("Content-Range");
  if (!range.empty()) {
    const auto span = parse_span(range, 0, false);
    if (!span || span->first != upload->size) {
      const std::string message = "chunk begins at " + range + ", expected " + std::to_string(upload->size);
      Response where = session_answer(call, 416, std::move(upload));
      return refusal(416, code::kBlobUploadInvalid, message, std::move(where.headers));
    }
  }
  std::string block(kBlock, '\0');
  std::uint64_t chunk = 0;
  while (const std::size_t n = call.request.read(block.data(), block.size())) {
    const auto kept = static_cast<std::size_t>(
        std::min<std::uint64_t>(n, call.behaviour.patch_keeps - std::min(chunk, call.behaviour.patch_keeps)));
    if (kept > 0 && !storage_.append(*upload, {block.data(), kept})) return refusal(507, code::kSizeInvalid);
    chunk += kept;
  }
  upload->smallest_chunk_but_last = std::min(upload->smallest_chunk_but_last, upload->last_chunk);
  upload->last_chunk = chunk;
  return session_answer(call, call.behaviour.patch_status, std::move(upload));
}

Response Registry::upload_put(const Call& call) {
  auto upload = take(call);
  if (upload == nullptr) return refusal(404, code::kBlobUploadUnknown, call.name);
  return close_upload(call, std::move(upload), call.behaviour.blob_put_status);
}

Response Registry::close_upload(const Call& call, std::unique_ptr<Upload> upload, int status) {
  const auto* text = call.request.parameter("digest");
  const auto digest = Digest::parse(text == nullptr ? "" : *text);
  if (!digest) {
    storage_.give_back(std::move(upload));
    return refusal(400, code::kDigestInvalid, text == nullptr ? "missing" : *text);
  }
  std::string block(kBlock, '\0');
  const std::uint64_t before = upload->size;
  while (const std::size_t n = call.request.read(block.data(), block.size())) {
    if (!storage_.append(*upload, {block.data(), n})) return refusal(507, code::kSizeInvalid);
  }
  if (!call.request.body_complete()) {
    storage_.give_back(std::move(upload));
    return refusal(400, code::kSizeInvalid, "the body broke off");
  }
  const std::uint64_t smallest =
      std::min(upload->smallest_chunk_but_last, upload->size > before ? upload->last_chunk : UINT64_MAX);
  if (smallest < call.behaviour.chunk_min_length) {
    storage_.cancel(std::move(upload));
    return refusal(400, code::kBlobUploadInvalid, "a chunk is too small");
  }
  visibility_.written(call.repository, *digest, call.behaviour);
  if (!storage_.commit(std::move(upload), *digest)) {
    return refusal(400, code::kDigestInvalid, "the bytes have another digest");
  }
  {
    MutexLock lock(mutex_);
    ++uploads_.committed;
  }
  Response response{.status = status,
                    .headers = {{"Location", "/v2/" + call.repository + "/blobs/" + digest->to_string()}}};
  if (call.behaviour.digest_headers)
    response.headers.push_back({"Docker-Content-Digest", digest->to_string()});
  return response;
}

Response Registry::upload_status(const Call& call) {
  auto upload = take(call);
  if (upload == nullptr) return refusal(404, code::kBlobUploadUnknown, call.name);
  return session_answer(call, 204, std::move(upload));
}

Response Registry::upload_delete(const Call& call) {
  auto upload = take(call);
  if (upload == nullptr) return refusal(404, code::kBlobUploadUnknown, call.name);
  storage_.cancel(std::move(upload));
  MutexLock lock(mutex_);
  ++uploads_.cancelled;
  return {.status = 204};
}

}  // namespace davit::emulator
