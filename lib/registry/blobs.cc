// Blobs into a repository: presence, upload, mount.
#include "base/error.h"
#include "base/try.h"
#include "registry/fields.h"
#include "registry/repository.h"
#include "registry/upload.h"

namespace davit::registry {
namespace {

constexpr std::size_t kMostSessions = 256;

}  // namespace

Result<Answer> Repository::ask_for_blob(const Purpose& why, const Digest& digest,
                                        const CallContext& context) {
  Tries patience = registry_.wire().tries();
  while (true) {
    const bool head = registry_.head_works() && registry_.quirks().head_blobs;
    Call call{.request = {.method = head ? "HEAD" : "GET", .url = url("blobs/" + digest.to_string())},
              .scope = scope(),
              .action = head ? Action::check_blob : Action::read_blob,
              .stream = true};
    if (!head) call.request.headers.push_back({"Range", "bytes=0-0"});
    DAVIT_TRY(Answer answer, registry_.wire().send(why, call, context));
    if (answer.status == 416 && !head) return answer;  // an empty blob has no first byte
    if (answer.ok()) {
      const auto stated = Digest::parse(answer.headers.get("Docker-Content-Digest"));
      if (stated && stated->algorithm() == digest.algorithm() && *stated != digest) {
        return strange_answer(why, answer, Errc::corrupt, "the registry answers with " + stated->to_string());
      }
      return answer;
    }
    if (head && (answer.status == 405 || answer.status == 501 || answer.status == 400 ||
                 (answer.foreign && answer.status == 403))) {
      registry_.head_failed();
      continue;
    }
    if (answer.status != 404) return answer_error(why, answer);
    if (!was_written(digest) || patience.count() >= kMostPatience) return answer;
    DAVIT_TRY(const bool again, patience.again(Trouble::transient, {}, context));
    if (!again) return answer;
  }
}

Result<bool> Repository::has_blob(const Digest& digest, const CallContext& context) {
  DAVIT_TRY(const Answer answer,
            ask_for_blob(purpose("look for blob", digest.short_form()), digest, context));
  return answer.status != 404;
}

Result<std::uint64_t> Repository::blob_size(const Digest& blob, const CallContext& context) {
  const Purpose why = purpose("look for blob", blob.short_form());
  DAVIT_TRY(const Answer answer, ask_for_blob(why, blob, context));
  if (answer.status == 404) return answer_error(why, answer);
  if (answer.status == 416) return std::uint64_t{0};
  std::optional<std::uint64_t> size;
  if (answer.status == 206) {
    if (const auto range = parse_content_range(answer.headers.get("Content-Range"))) size = range->total;
  } else {
    size = parse_decimal(answer.headers.get("Content-Length"));
  }
  if (size) return *size;
  return strange_answer(why, answer, Errc::unsupported, "the registry does not say how large it is");
}

Result<Descriptor> Repository::put_blob(const Content& content, const CallContext& context) {
  return Upload(*this, content, context).run();
}

Result<bool> Repository::mount(const Descriptor& blob, std::string_view from_repository,
                               const CallContext& context) {
  const Purpose why = purpose("mount", "blob " + blob.digest.short_form());
  Call call{.request = {.method = "POST",
                        .url = url("blobs/uploads/")
                                   .with_query("mount", blob.digest.to_string())
                                   .with_query("from", net::percent_encode(from_repository))},
            .scope = scope(),
            .action = Action::begin_upload};
  call.scope.mount_from = from_repository;
  // What is refused because the repository is missing would not be mounted later.
  DAVIT_TRY_VOID(make_if_known_missing(context));
  Tries patience = registry_.wire().tries();
  auto answer = registry_.wire().send(why, call, context);
  for (int missing = 0; answer && says_missing(*answer); ++missing) {
    DAVIT_TRY(const bool made, make_missing(missing, patience, context));
    if (!made) break;
    answer = registry_.wire().send(why, call, context);
  }
  if (!answer) {
    // The right to read the other repository may not be had at all: then the bytes are wanted.
    if (answer.error().code == Errc::unauthenticated || answer.error().code == Errc::denied) return false;
    return std::move(answer).error();
  }
  if (answer->status == 201) {
    const auto stated = Digest::parse(answer->headers.get("Docker-Content-Digest"));
    if (stated && stated->algorithm() == blob.digest.algorithm() && *stated != blob.digest) {
      return strange_answer(why, *answer, Errc::corrupt, "the registry mounted " + stated->to_string());
    }
    note_written(blob.digest);
    return true;
  }
  if (answer->status != 202) return false;
  auto session = session_of(*this, why, *answer);
  if (!session) return false;
  {
    MutexLock lock(mutex_);
    if (sessions_.size() < kMostSessions && sessions_.try_emplace(blob.digest, *session).second) return false;
  }
  cancel_session(*this, *session);
  return false;
}

}  // namespace davit::registry
