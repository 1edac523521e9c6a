// Manifests of a repository: read, ask, put under names.
#include <algorithm>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "model/media_type.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kManifestLimit = 8u << 20;

void accept_manifests(net::Request& request) {
  for (const std::string_view type :
       {model::kOciIndex, model::kOciManifest, model::kDockerList, model::kDockerManifest}) {
    request.headers.push_back({"Accept", std::string(type)});
  }
  request.headers.push_back({"Accept", "*/*;q=0.5"});
}

/// A digest, or nothing for a tag.
std::optional<Digest> digest_of_name(std::string_view name) {
  if (name.find(':') == std::string_view::npos) return {};
  auto digest = Digest::parse(name);
  return digest ? std::optional(*digest) : std::nullopt;
}

/// What the registry says the digest is; empty when it says nothing that can be used.
std::optional<Digest> stated_digest(const net::Headers& headers) {
  auto digest = Digest::parse(headers.get("Docker-Content-Digest"));
  return digest ? std::optional(*digest) : std::nullopt;
}

bool missing_child(const Answer& answer) {
  return has_code(answer, "MANIFEST_BLOB_UNKNOWN") || has_code(answer, "BLOB_UNKNOWN") ||
         has_code(answer, "BLOB_UPLOAD_UNKNOWN");
}

std::string shown(std::string_view name) {
  const auto digest = digest_of_name(name);
  return digest ? digest->short_form() : std::string(name);
}

}  // namespace

Result<Manifest> Repository::manifest(std::string_view name, const CallContext& context) {
  const Purpose why = purpose("pull", "manifest " + shown(name));
  Call call{.request = {.method = "GET",
                        .url = url("manifests/" + std::string(name)),
                        .answer_limit = kManifestLimit},
            .scope = scope(),
            .action = Action::read_manifest};
  accept_manifests(call.request);
  const auto wanted = digest_of_name(name);
  Tries patience = registry_.wire().tries();
  DAVIT_TRY(Answer answer, registry_.wire().send(why, call, context));
  while (answer.status == 404 && wanted && was_written(*wanted) && patience.count() < kMostPatience) {
    DAVIT_TRY(const bool again, patience.again(Trouble::transient, {}, context));
    if (!again) break;
    DAVIT_TRY(answer, registry_.wire().send(why, call, context));
  }
  if (says_missing(answer)) missing_ = true;
  if (answer.status != 200) return answer_error(why, answer);
  if (is_html(answer.headers, answer.body)) {
    return strange_answer(why, answer, Errc::protocol,
                          "not a registry's answer but a web page: " + escaped(answer.body, 120));
  }
  const auto stated = stated_digest(answer.headers);
  const Digest actual = Digest::of(answer.body, wanted ? wanted->algorithm() : Digest::Algorithm::sha256);
  if (wanted && actual != *wanted) {
    return strange_answer(why, answer, Errc::corrupt,
                          "the bytes have the digest " + actual.to_string() + " instead");
  }
  if (stated &&
      *stated != (stated->algorithm() == actual.algorithm() ? actual
                                                            : Digest::of(answer.body, stated->algorithm()))) {
    return strange_answer(why, answer, Errc::corrupt,
                          "the registry says " + stated->to_string() + " and sends bytes with the digest " +
                              actual.to_string());
  }
  auto parsed =
      Manifest::parse(std::move(answer.body), answer.headers.get("Content-Type"), actual.algorithm());
  if (!parsed) return failed(why, parsed.error(), answer.attempts);
  return *std::move(parsed);
}

Result<Descriptor> Repository::resolve(std::string_view name, const CallContext& context) {
  const Purpose why = purpose("resolve", shown(name));
  if (registry_.head_works()) {
    Call call{.request = {.method = "HEAD", .url = url("manifests/" + std::string(name))},
              .scope = scope(),
              .action = Action::read_manifest};
    accept_manifests(call.request);
    DAVIT_TRY(const Answer answer, registry_.wire().send(why, call, context));
    const auto stated = stated_digest(answer.headers);
    const auto wanted = digest_of_name(name);
    if (answer.status == 200 && stated && wanted && stated->algorithm() == wanted->algorithm() &&
        *stated != *wanted) {
      return strange_answer(why, answer, Errc::corrupt, "the registry answers with " + stated->to_string());
    }
    const std::string type = model::essence(answer.headers.get("Content-Type"));
    const auto size = answer.headers.get("Content-Length");
    if (answer.status == 200 && stated && model::is_manifest(type) && !size.empty()) {
      Descriptor found;
      found.media_type = type;
      found.digest = *stated;
      std::uint64_t value = 0;
      for (const char c : size) {
        if (c < '0' || c > '9' || value > kManifestLimit)
          return strange_answer(why, answer, Errc::protocol, "a Content-Length that is no manifest's");
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
      }
      found.size = value;
      return found;
    }
    if (answer.status == 405 || answer.status == 501 || answer.status == 400) registry_.head_failed();
    if (answer.status == 401 || answer.status == 429) return answer_error(why, answer);
    // Who writes asks whether something is there; who reads wants to hear why not.
    // Where the repository may have to be made, and nobody else says so, it matters what is not there.
    const bool told = !create_ || (!native_denied_ && reader(context) != nullptr);
    if (answer.status == 404 && side_ == Side::destination && registry_.quirks().head_manifests_final && told)
      return answer_error(why, answer);
    // Anything else, 403 and 404 included, GET says with a body that names the cause (rows 64, 77).
  }
  DAVIT_TRY(const Manifest whole, manifest(name, context));
  return whole.descriptor();
}

Result<> Repository::put_manifest(const Manifest& manifest, std::span<const std::string> names,
                                  const CallContext& context) {
  if (names.empty()) return put_under(manifest, manifest.descriptor().digest.to_string(), context);
  for (const std::string& name : names) DAVIT_TRY_VOID(put_under(manifest, name, context));
  return {};
}

Result<bool> Repository::has_manifest(const Digest& digest, const std::string& name,
                                      const CallContext& context) {
  const auto found = resolve(name, context);
  if (found) return found->digest == digest || found->digest == kept_as(digest);
  if (found.error().code == Errc::cancelled || found.error().code == Errc::timeout) return found.error();
  return false;
}

Result<> Repository::put_under(const Manifest& manifest, const std::string& name,
                               const CallContext& context) {
  const Digest digest = manifest.descriptor().digest;
  const Purpose why = purpose("push", "manifest " + shown(name));
  Call call{.request = {.method = "PUT", .url = url("manifests/" + name), .patience = net::Patience::commit},
            .scope = scope()};
  call.request.headers.push_back({"Content-Type", manifest.descriptor().media_type});
  call.request.body = manifest.bytes();
  call.action = Action::put_manifest;
  call.happened = [&] { return has_manifest(digest, name, context); };
  Tries patience = registry_.wire().tries();
  bool lists_referrers = false;
  for (int missing = 0;; ++missing) {
    DAVIT_TRY(const Answer answer, registry_.wire().send(why, call, context));
    if (answer.already_done) break;
    lists_referrers = answer.ok() && answer.headers.has("OCI-Subject");
    if (says_missing(answer)) {
      DAVIT_TRY(const bool made, make_missing(missing, patience, context));
      if (made) continue;
    }
    if (answer.ok()) {
      const auto stated = stated_digest(answer.headers);
      if (stated && stated->algorithm() == digest.algorithm() && *stated != digest) {
        return strange_answer(
            why, answer, Errc::corrupt,
            "the registry stored " + stated->to_string() + " instead of " + digest.to_string());
      }
      if (is_html(answer.headers, answer.body))
        return strange_answer(why, answer, Errc::protocol, "not a registry's answer but a web page");
      DAVIT_TRY_VOID(note_other_digest(why, manifest, name, answer, context));
      if (answer.status == 201) break;
      DAVIT_TRY(const bool there,
                has_manifest(digest, name, context));  // an unusual success is looked at twice (row 80)
      if (!there)
        return strange_answer(why, answer, Errc::protocol,
                              "the registry says " + std::to_string(answer.status) + " but does not have it");
      break;
    }
    if (has_code(answer, "TAG_INVALID") || answer.status == 409 || answer.status == 412) {
      const auto there = resolve(name, context);
      if (there && there->digest == digest) break;  // the tag cannot move, and need not (row 68)
      if (there) {
        Error error = strange_answer(
            why, answer, Errc::conflict,
            "the tag cannot be moved: it names " + there->digest.to_string() + ", not " + digest.to_string());
        error.hint = answer_error(why, answer).hint;
        return error;
      }
    }
    // Its bytes have the digest that they are put under, so what a registry doubts is something of its own:
    // distribution reads the links of blobs while somebody else is writing them.
    const bool doubts = has_code(answer, "DIGEST_INVALID");
    if (!doubts && (!missing_child(answer) || !may_appear(manifest, answer)))
      return answer_error(why, answer);
    DAVIT_TRY(const bool again,
              patience.again(Trouble::transient, {}, context));  // it may not have seen our blobs yet
    if (!again) return answer_error(why, answer);
  }
  patience.succeeded();
  note_written(digest);
  if (manifest.subject() && !lists_referrers && registry_.options().kind == Kind::distribution)
    return note_referrer(manifest, context);
  return {};
}

/// Registries that know only sha256 store a manifest whose digest is another under that.
Result<> Repository::note_other_digest(const Purpose& why, const Manifest& manifest, const std::string& name,
                                       const Answer& answer, const CallContext& context) {
  const Digest& own = manifest.descriptor().digest;
  if (own.algorithm() == Digest::Algorithm::sha256) return {};
  std::optional<Digest> stated = stated_digest(answer.headers);
  if (!stated) {
    DAVIT_TRY(const Descriptor now, resolve(name, context));
    stated = now.digest;
  }
  if (stated->algorithm() == own.algorithm()) return {};
  if (*stated != Digest::of(manifest.bytes(), stated->algorithm()))
    return strange_answer(why, answer, Errc::corrupt,
                          "the registry stored " + stated->to_string() + " instead of " + own.to_string());
  MutexLock lock(mutex_);
  kept_as_.insert_or_assign(own, *stated);
  return {};
}

std::optional<Digest> Repository::kept_as(const Digest& put) const {
  MutexLock lock(mutex_);
  const auto found = kept_as_.find(put);
  return found == kept_as_.end() ? std::nullopt : std::optional(found->second);
}

/// Whether what the registry misses is something that this run has just written. Where the answer names what
/// is missing, the others do not count.
bool Repository::may_appear(const Manifest& manifest, const Answer& answer) const {
  const auto children = manifest.children();
  const auto named = [&](const Descriptor& child) {
    return answer.body.find(child.digest.to_string()) != std::string::npos;
  };
  const bool names = std::ranges::any_of(children, named);
  return std::ranges::any_of(children, [&](const Descriptor& child) {
    return (!names || named(child)) && was_written(child.digest);
  });
}

}  // namespace davit::registry
