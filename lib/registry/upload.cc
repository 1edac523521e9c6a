#include "registry/upload.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/try.h"
#include "registry/fields.h"

namespace davit::registry {
namespace {

/// A blob this small is sent in one piece even when its digest is not known at first.
constexpr std::uint64_t kSpoolEach = 8u << 20;
constexpr std::uint64_t kLargestChunk = 1u << 30;
/// New sessions after one was lost (row 57).
constexpr int kMostLost = 3;
constexpr std::chrono::milliseconds kCancelTime{500};
constexpr std::chrono::milliseconds kCancelPause{50};
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

bool is_lost(const Answer& answer) {
  if (answer.status == 404) return !has_code(answer, "NAME_UNKNOWN") && !has_code(answer, "NAME_INVALID");
  if (answer.status == 410 || answer.status == 416) return true;
  return answer.status == 400 &&
         (has_code(answer, "BLOB_UPLOAD_UNKNOWN") || has_code(answer, "BLOB_UPLOAD_INVALID"));
}

}  // namespace

Upload::Upload(Repository& repository, const Content& content, const CallContext& context)
    : repository_(repository),
      registry_(repository.registry()),
      content_(content),
      context_(context),
      tape_(content, context),
      descriptor_(content.descriptor()) {
  why_ = repository.purpose("push", descriptor_ ? "blob " + descriptor_->digest.short_form() : "a new layer");
}

Result<Descriptor> Upload::run() {
  Tries tries = registry_.wire().tries();
  int lost = 0;
  while (true) {
    Ending ending = attempt();
    if (ending.kind == Ending::Kind::stored) {
      tries.succeeded();
      repository_.note_written(descriptor_->digest);
      return *descriptor_;
    }
    cancel();
    if (tape_.failure()) return *tape_.failure();
    ending.error.attempts = tries.count();
    if (ending.kind == Ending::Kind::failed) return ending.error;
    if (ending.kind == Ending::Kind::lost && ++lost > kMostLost) return ending.error;
    DAVIT_TRY(const bool again, tries.again(ending.trouble, ending.retry_after, context_));
    if (!again) return ending.error;
    // Nobody knows what became of the last request: the blob may be there already.
    if (descriptor_ && ending.trouble == Trouble::transient) {
      const auto there = repository_.has_blob(descriptor_->digest, context_);
      if (there && *there) return *descriptor_;
      if (!there && there.error().code != Errc::denied)
        return there.error();  // one who may write need not be allowed to look
    }
  }
}

/// One session, from its POST to its PUT.
Upload::Ending Upload::attempt() {
  descriptor_ = content_.descriptor();
  if (descriptor_ && descriptor_->size == 0 && !registry_.quirks().takes_empty_blobs)
    return stop(empty_blob());
  const std::uint64_t chunk = chunk_size();
  if (!descriptor_ && chunk == 0) {
    auto source = content_.open(0, context_);
    if (!source) return stop(std::move(source).error());
    auto spool = Spool::fill(registry_, *std::move(source), kSpoolEach);
    if (!spool) return stop(std::move(spool).error());
    if (spool->whole()) {
      descriptor_ = content_.descriptor();
      if (!descriptor_)
        return stop(make_error(Errc::internal, why_.text + ": the content has ended and has no digest"));
      if (spool->size() == 0 && !registry_.quirks().takes_empty_blobs) return stop(empty_blob());
      auto session = begin();
      if (!session) return stop(std::move(session).error());
      session_ = *std::move(session);
      return put_spooled(*spool);
    }
    tape_.load(Spool::drain(*std::move(spool)));
  }
  auto session = begin();
  if (!session) return stop(std::move(session).error());
  session_ = *std::move(session);
  const std::uint64_t size = chunk_size();  // the registry may have asked for more meanwhile
  if (!descriptor_) return patches(size == 0 ? kUnlimited : size);
  return size == 0 || descriptor_->size <= size ? put_whole() : patches(size);
}

Error Upload::empty_blob() const {
  return make_error(
             Errc::unsupported,
             why_.text + ": " + std::string(registry_.quirks().name) + " cannot store a blob of no bytes",
             "the two bytes {} are the usual stand-in for an empty config or layer")
      .on(why_.side);
}

std::uint64_t Upload::chunk_size() const {
  const std::uint64_t asked =
      registry_.options().chunk_bytes != 0 ? registry_.options().chunk_bytes : registry_.quirks().chunk_bytes;
  const std::uint64_t least = std::max(least_chunk_, registry_.quirks().least_chunk_bytes);
  return asked == 0 ? 0 : std::clamp<std::uint64_t>(std::max(asked, least), 1, kLargestChunk);
}

Call Upload::call_to(std::string method, const net::Url& url) const {
  const Action action = method == "PATCH" ? Action::send_part : Action::finish_upload;
  Call call{
      .request = {.method = std::move(method), .url = url}, .scope = repository_.scope(), .action = action};
  if (session_) {
    call.authorize = !session_->foreign;
    call.request.peers = session_->peers;
  }
  return call;
}

Result<UploadTarget> Upload::begin() {
  if (descriptor_) {
    if (auto left = repository_.take_session(descriptor_->digest)) return *std::move(left);
  }
  DAVIT_TRY_VOID(repository_.make_if_known_missing(context_));
  const Call call{.request = {.method = "POST", .url = repository_.url("blobs/uploads/")},
                  .scope = repository_.scope(),
                  .action = Action::begin_upload};
  Tries patience = registry_.wire().tries();
  for (int missing = 0;; ++missing) {
    auto sent = registry_.wire().send(why_, call, context_);
    if (!sent) {
      Error error = std::move(sent).error();
      const bool cut = error.code == Errc::unavailable && error.http && error.http->status == 0;
      if (!cut || registry_.quirks().cut_upload_hint.empty()) return error;
      if (missing == 0) {
        DAVIT_TRY(const bool made, repository_.make_missing(0, patience, context_));
        if (made) continue;
      }
      if (error.hint.empty()) error.hint = registry_.quirks().cut_upload_hint;
      return error;
    }
    if (Repository::says_missing(*sent)) {
      DAVIT_TRY(const bool made, repository_.make_missing(missing, patience, context_));
      if (made) continue;
    }
    if (!sent->ok()) return answer_error(why_, *sent);
    patience.succeeded();
    least_chunk_ =
        std::min(parse_decimal(sent->headers.get("OCI-Chunk-Min-Length")).value_or(0), kLargestChunk);
    return session_of(repository_, why_, *sent);
  }
}

Result<UploadTarget> session_of(Repository& repository, const Purpose& why, const Answer& answer) {
  const auto location = answer.headers.get("Location");
  if (location.empty()) {
    if (is_html(answer.headers, answer.body))
      return strange_answer(why, answer, Errc::protocol, "not a registry's answer but a web page");
    return strange_answer(why, answer, Errc::protocol,
                          "the registry did not say where to upload (no Location)");
  }
  const UploadTarget from{.url = answer.url, .foreign = answer.foreign, .peers = net::Peers::any};
  auto target = next_target(repository.registry().base(), from, location, answer.peer);
  if (!target) return strange_answer(why, answer, target.error().code, target.error().message);
  return target;
}

Upload::Ending Upload::put_whole() {
  Call call = call_to("PUT", session_->url.with_query("digest", descriptor_->digest.to_string()));
  call.request.source_size = descriptor_->size;
  call.open_body = [this]() -> Result<std::unique_ptr<ByteSource>> {
    DAVIT_TRY_VOID(tape_.seek(0));
    return tape_.window(kUnlimited);
  };
  return put(std::move(call));
}

Upload::Ending Upload::put_spooled(const Spool& spool) {
  if (spool.size() != descriptor_->size)
    return stop(
        make_error(Errc::internal, why_.text + ": the content is not as long as its descriptor says"));
  Call call = call_to("PUT", session_->url.with_query("digest", descriptor_->digest.to_string()));
  call.request.source_size = spool.size();
  call.open_body = [&spool]() -> Result<std::unique_ptr<ByteSource>> { return spool.open(); };
  return put(std::move(call));
}

Upload::Ending Upload::close() {
  return put(call_to("PUT", session_->url.with_query("digest", descriptor_->digest.to_string())));
}

/// The request that makes the session a blob.
Upload::Ending Upload::put(Call call) {
  call.request.patience = net::Patience::commit;
  call.request.headers.push_back({"Content-Type", "application/octet-stream"});
  call.retry = false;
  auto sent = registry_.wire().send(why_, call, context_);
  if (!sent || !sent->ok()) return judge(std::move(sent));
  const Answer& answer = *sent;
  const auto stated = Digest::parse(answer.headers.get("Docker-Content-Digest"));
  if (stated && stated->algorithm() == descriptor_->digest.algorithm() && *stated != descriptor_->digest) {
    return stop(strange_answer(
        why_, answer, Errc::corrupt,
        "the registry stored " + stated->to_string() + " instead of " + descriptor_->digest.to_string()));
  }
  session_.reset();
  if (answer.status == 201) return {};
  auto there =
      repository_.has_blob(descriptor_->digest, context_);  // an unusual success is looked at twice (row 80)
  if (!there) return stop(std::move(there).error());
  if (!*there)
    return stop(
        strange_answer(why_, answer, Errc::protocol,
                       "the registry says " + std::to_string(answer.status) + " but does not have it"));
  return {};
}

/// Everything in PATCHes of at most `chunk` bytes, then the closing PUT.
Upload::Ending Upload::patches(std::uint64_t chunk) {
  std::uint64_t position = 0;
  int stuck = 0;
  while (true) {
    if (auto wound = tape_.seek(position); !wound) return stop(std::move(wound).error());
    auto ended = tape_.ended();
    if (!ended) return stop(std::move(ended).error());
    if (*ended) break;
    descriptor_ = content_.descriptor();
    Call call = call_to("PATCH", session_->url);
    call.request.headers.push_back({"Content-Type", "application/octet-stream"});
    call.retry = false;
    std::uint64_t length = chunk;
    if (descriptor_) {
      if (position >= descriptor_->size)
        return stop(
            make_error(Errc::corrupt, why_.text + ": the content is longer than its descriptor says"));
      length = std::min(chunk, descriptor_->size - position);
      call.request.source_size = length;
      call.request.headers.push_back(
          {"Content-Range", std::to_string(position) + "-" + std::to_string(position + length - 1)});
    }
    call.open_body = [this, position, length]() -> Result<std::unique_ptr<ByteSource>> {
      DAVIT_TRY_VOID(tape_.seek(position));
      return tape_.window(length);
    };
    auto sent = registry_.wire().send(why_, call, context_);
    if (!sent || !sent->ok()) return judge(std::move(sent));
    if (auto followed = follow(*sent); !followed) return stop(std::move(followed).error());
    std::uint64_t next = tape_.position();
    // Only a 202 reports what is stored; a 201 comes from registries whose Range stands still (rows 59, 60).
    const auto stored = sent->status == 202 ? parse_stored_range(sent->headers.get("Range")) : std::nullopt;
    if (stored && *stored < next) next = *stored;
    stuck = next > position ? 0 : stuck + 1;
    if (stuck > 1) {
      return {.kind = Ending::Kind::lost,
              .error = strange_answer(why_, *sent, Errc::protocol,
                                      "the registry takes the bytes but does not keep them")};
    }
    position = next;
  }
  descriptor_ = content_.descriptor();
  if (!descriptor_)
    return stop(make_error(Errc::internal, why_.text + ": the content has ended and has no digest"));
  if (position != descriptor_->size)
    return stop(make_error(Errc::corrupt, why_.text + ": the content is not as long as its descriptor says"));
  return close();
}

/// Each answer's Location replaces the last one (row 61).
Result<> Upload::follow(const Answer& answer) {
  const auto location = answer.headers.get("Location");
  if (location.empty()) {
    if (answer.status != 202) return {};
    return strange_answer(why_, answer, Errc::protocol,
                          "the registry did not say where the upload goes on (no Location)");
  }
  UploadTarget from = *session_;
  from.url = answer.url;
  from.foreign = from.foreign || answer.foreign;  // a redirect may have led away
  auto target = next_target(registry_.base(), from, location, answer.peer);
  if (!target) return strange_answer(why_, answer, target.error().code, target.error().message);
  session_ = *std::move(target);
  return {};
}

/// What a request that did not succeed means for the upload.
Upload::Ending Upload::judge(Result<Answer> sent) {
  if (!sent) {
    Error error = std::move(sent).error();
    const bool again = error.retryable && !tape_.failure();
    return {.kind = again ? Ending::Kind::trouble : Ending::Kind::failed, .error = std::move(error)};
  }
  Ending ending{.kind = Ending::Kind::failed, .error = answer_error(why_, *sent)};
  if (const auto trouble = trouble_of(sent->status)) {
    ending.kind = Ending::Kind::trouble;
    ending.trouble = *trouble;
    ending.retry_after = parse_retry_after(sent->headers.get("Retry-After"), registry_.wire().clock().wall());
  } else if (is_lost(*sent)) {
    ending.kind = Ending::Kind::lost;
  }
  return ending;
}

void Upload::cancel() {
  if (session_) cancel_session(repository_, *session_);
  session_.reset();
}

void cancel_session(Repository& repository, const UploadTarget& session) {
  Registry& registry = repository.registry();
  if (!registry.quirks().cancels_uploads) return;
  Call call{.request = {.method = "DELETE", .url = session.url, .peers = session.peers},
            .scope = repository.scope(),
            .authorize = !session.foreign,
            .retry = false};
  const CallContext own{
      .stop = {}, .deadline = std::chrono::steady_clock::now() + kCancelTime};  // the caller's may be over
  // The registry may still be busy with the connection that was just dropped and not find the session for a
  // moment.
  for (int tries = 0; tries < 3; ++tries) {
    const auto answer = registry.wire().send(repository.purpose("cancel an upload", ""), call, own);
    if (!answer || answer->ok() || !registry.wire().clock().sleep_for(kCancelPause, own)) return;
  }
}

}  // namespace davit::registry
