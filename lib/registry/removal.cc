// Tags and manifests are removed: never more than was asked for.
#include "base/error.h"
#include "base/try.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

/// Answers to DELETE of a tag by registries that know digests alone (distribution before 3.0 says 400).
bool knows_no_tags(const Answer& answer) {
  return answer.status == 400 || answer.status == 405 || answer.status == 501 ||
         (answer.status == 404 && !has_code(answer, "MANIFEST_UNKNOWN") && !has_code(answer, "NAME_UNKNOWN"));
}

}  // namespace

/// Whether nothing is under this name any more, which may be known a moment later.
Result<bool> Repository::is_gone(const std::string& name, const Digest& digest, const CallContext& context) {
  Tries patience = registry_.wire().tries();
  while (true) {
    const auto now = resolve(name, context);
    if (!now && now.error().code == Errc::not_found) return true;
    if (!now) return now.error();
    if (now->digest != digest) return true;  // somebody has put something else there
    if (patience.count() >= kMostPatience) return false;
    DAVIT_TRY(const bool again, patience.again(Trouble::transient, {}, context));
    if (!again) return false;
  }
}

Result<Answer> Repository::send_delete(const Purpose& why, const std::string& name,
                                       const CallContext& context) {
  Call call{
      .request = {.method = "DELETE", .url = url("manifests/" + name), .patience = net::Patience::commit},
      .scope = scope()};
  call.happened = [&]() -> Result<bool> {
    const auto found = resolve(name, context);
    if (found) return false;
    if (found.error().code == Errc::not_found) return true;
    return found.error();
  };
  return registry_.wire().send(why, call, context);
}

Error Repository::no_native(const Purpose& why) const {
  return make_error(Errc::unsupported,
                    why.text +
                        ": whether an image has further tags, and so outlives this one, only the API of "
                        "AWS tells",
                    "leave out --creds and --registry-token, or delete the image by its digest")
      .on(side_);
}

Result<bool> Repository::check_tag_removal(const std::string& tag, std::span<const std::string> gone,
                                           const CallContext& context) {
  if (registry_.options().kind == Kind::distribution) return false;
  const Purpose why = purpose("delete the tag", tag);
  Native* native = reader(context);
  if (native == nullptr) return no_native(why);
  auto checked = native->check_tag_removal(name_, tag, gone, context);
  if (!checked) return failed(why, checked.error(), checked.error().attempts);
  return true;
}

Result<> Repository::remove_tag(const std::string& tag, const Manifest& image, const CallContext& context) {
  const Purpose why = purpose("delete the tag", tag);
  if (registry_.options().kind != Kind::distribution) {
    Native* native = reader(context);
    if (native == nullptr) return no_native(why);
    auto removed = native->remove_tag(name_, tag, context);
    return removed ? removed : Result<>(failed(why, removed.error(), removed.error().attempts));
  }
  DAVIT_TRY(const Answer answer, send_delete(why, tag, context));
  if (!answer.ok()) {
    Error error = answer_error(why, answer);
    if (!knows_no_tags(answer)) return error;
    error.code = Errc::unsupported;
    error.message = why.text + ": this registry cannot delete a tag alone (" + std::to_string(answer.status) +
                    "), and the tag is still there";
    error.hint = "deleting " + image.descriptor().digest.to_string() + " deletes the image with all its tags";
    return error;
  }
  const Digest& digest = image.descriptor().digest;
  DAVIT_TRY(const bool gone, is_gone(tag, digest, context));
  if (!gone)
    return strange_answer(why, answer, Errc::protocol, "the registry says that it did, and still has it");
  const auto left = resolve(digest.to_string(), context);
  if (left) return {};
  if (left.error().code != Errc::not_found)
    return left.error().with_context("the tag " + tag +
                                     " is deleted, and whether its image stayed is unknown");
  // Some old registries take the tag for its image.
  DAVIT_TRY_VOID(put_under(image, digest.to_string(), context));
  return strange_answer(
      why, answer, Errc::unsupported,
      "this registry deleted the image " + digest.to_string() +
          " with its tag; it is there again by its digest, and further tags of it may be gone");
}

Result<> Repository::remove_manifest(const Manifest& image, const CallContext& context) {
  const Digest& digest = image.descriptor().digest;
  const Purpose why = purpose("delete", digest.short_form());
  Native* native = registry_.options().kind == Kind::distribution ? nullptr : reader(context);
  if (native != nullptr) {
    auto removed = native->remove_image(name_, digest, context);
    if (removed) return {};
    const Errc code = removed.error().code;
    // Without that interface, or somebody to be there, the protocol does it too.
    if (code != Errc::unavailable && code != Errc::unauthenticated)
      return failed(why, removed.error(), removed.error().attempts);
  }
  DAVIT_TRY(const Answer answer, send_delete(why, digest.to_string(), context));
  if (!answer.ok()) {
    Error error = answer_error(why, answer);
    if (answer.status == 405 || answer.status == 501) {
      error.code = Errc::unsupported;
      error.hint = "this registry does not delete anything, or has not been told that it may";
    }
    return error;
  }
  DAVIT_TRY(const bool gone, is_gone(digest.to_string(), digest, context));
  if (!gone)
    return strange_answer(why, answer, Errc::protocol, "the registry says that it did, and still has it");
  if (!image.subject() || registry_.options().kind != Kind::distribution) return {};
  DAVIT_TRY(const auto index, referrers_index(image.subject()->digest, context));
  if (!index) return {};
  return forget_referrer(image.subject()->digest, digest, context);
}

}  // namespace davit::registry
