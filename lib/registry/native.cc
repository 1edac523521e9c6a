// Asking by the registry's own interface, where it has one; and making a repository by it.

#include "registry/native.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

bool is_over(const Error& error) {
  return error.code == Errc::cancelled || error.code == Errc::timeout;
}

/// One by one would be asked of the same quota, so what is throttled waits and is asked again.
template <class Ask>
auto patiently(Tries tries, const CallContext& context, const Ask& ask) -> decltype(ask()) {
  while (true) {
    auto found = ask();
    if (found) tries.succeeded();
    if (found || found.error().code != Errc::rate_limited) return found;
    DAVIT_TRY(const bool again, tries.again(Trouble::throttled, {}, context));
    if (!again) return found;
  }
}

}  // namespace

/// With credentials that were given for the registry only its protocol is spoken: behind the other interface
/// we would be somebody else.
Native* Repository::reader(const CallContext& context) const {
  auth::Authorizer* authorizer = registry_.wire().authorizer();
  if (registry_.native() == nullptr || authorizer == nullptr) return registry_.native();
  const auto chosen = authorizer->has_chosen_login(name_, context);
  return chosen && !*chosen ? registry_.native() : nullptr;
}

std::size_t Repository::probe_batch() const {
  const Native* native = native_denied_ ? nullptr : reader({});
  return native == nullptr ? 1 : native->batch();
}

/// Errors: as Native; whoever gets one asks by the protocol.
Result<std::vector<Presence>> Repository::probe_natively(Native& native, std::span<const Descriptor> wanted,
                                                         const CallContext& context) {
  std::vector<Presence> found(wanted.size(), Presence::absent);
  std::vector<Digest> blobs;
  std::vector<std::size_t> places;
  std::vector<std::string> manifests;
  std::vector<std::size_t> manifest_places;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (model::is_manifest(wanted[i].media_type)) {
      manifests.push_back(wanted[i].digest.to_string());
      manifest_places.push_back(i);
    } else {
      blobs.push_back(wanted[i].digest);
      places.push_back(i);
    }
  }
  if (!blobs.empty()) {
    DAVIT_TRY(const std::vector<bool> there, native.has_blobs(name_, blobs, context));
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (there[i]) found[places[i]] = Presence::present;
    }
  }
  if (manifests.size() > 1) {
    // They come whole where only their presence is wanted: a few at a time are in memory.
    const std::size_t batch = native.manifest_batch();
    for (std::size_t first = 0; first < manifests.size(); first += batch) {
      const auto some = std::span(manifests).subspan(first, std::min(batch, manifests.size() - first));
      DAVIT_TRY(const auto there, native.manifests(name_, some, context));
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (there[i]) found[manifest_places[first + i]] = Presence::sealed;
      }
    }
  } else if (!manifests.empty()) {
    const Digest& digest = wanted[manifest_places.front()].digest;
    DAVIT_TRY(const bool there, has_manifest(digest, digest.to_string(), context));
    if (there) found[manifest_places.front()] = Presence::sealed;
  }
  return found;
}

Result<std::vector<Presence>> Repository::probe(std::span<const Descriptor> wanted,
                                                const CallContext& context) {
  Native* native = native_denied_ || wanted.empty() ? nullptr : reader(context);
  if (native != nullptr) {
    auto found = patiently(registry_.wire().tries(), context,
                           [&] { return probe_natively(*native, wanted, context); });
    if (found) return found;
    const Error& error = found.error();
    if (is_over(error)) return error;
    if (error.code == Errc::rate_limited) return failed(purpose("look for", "blobs"), error, error.attempts);
    if (error.code == Errc::not_found) {
      missing_ = true;  // nothing is made by asking; the first upload does that
      return std::vector<Presence>(wanted.size(), Presence::absent);
    }
    if (error.code != Errc::unavailable) native_denied_ = true;
    registry_.wire().log().write(LogLevel::info, "registry", "asking for blobs one by one",
                                 {{"repository", name_}, {"reason", error.message}});
  }
  std::vector<Presence> found;
  for (const Descriptor& each : wanted) {
    if (model::is_manifest(each.media_type)) {
      // A registry takes a manifest only when everything below it is there.
      DAVIT_TRY(const bool there, has_manifest(each.digest, each.digest.to_string(), context));
      found.push_back(there ? Presence::sealed : Presence::absent);
    } else {
      DAVIT_TRY(const bool there, has_blob(each.digest, context));
      found.push_back(there ? Presence::present : Presence::absent);
    }
  }
  return found;
}

std::size_t Repository::manifest_batch() const {
  const Native* native = native_reads_denied_ ? nullptr : reader({});
  return native == nullptr ? 1 : native->manifest_batch();
}

Result<std::vector<std::optional<Manifest>>> Repository::manifests(std::span<const std::string> names,
                                                                   const CallContext& context) {
  Native* native = native_reads_denied_ || names.size() < 2 ? nullptr : reader(context);
  if (native != nullptr) {
    auto found = patiently(registry_.wire().tries(), context,
                           [&] { return native->manifests(name_, names, context); });
    if (found || is_over(found.error())) return found;
    const Errc code = found.error().code;
    if (code == Errc::rate_limited)
      return failed(purpose("pull", "manifests"), found.error(), found.error().attempts);
    if (code != Errc::unavailable && code != Errc::not_found) native_reads_denied_ = true;
  }
  return ContentSource::manifests(names, context);
}

Result<std::vector<std::string>> Repository::newest(std::size_t count, const CallContext& context) {
  Native* native = reader(context);
  if (native == nullptr)
    return make_error(Errc::unsupported, registry_.host() + " does not say which tags are new");
  return native->newest_tags(name_, count, context);
}

Result<std::vector<std::string>> Repository::fixed_tags(std::span<const std::string> tags,
                                                        const CallContext& context) {
  Native* native = reader(context);
  if (native == nullptr) return std::vector<std::string>();
  return native->fixed_tags(name_, tags, context);
}

Result<> Repository::describe_tags(const TagPage& each_page, const CallContext& context) {
  Native* native = reader(context);
  if (native == nullptr)
    return make_error(Errc::unsupported, registry_.host() + " tells about one image at a time");
  return native->describe_tags(name_, each_page, context);
}

bool was_not_asked(const Error& error) {
  return error.code == Errc::unsupported || error.code == Errc::denied || error.code == Errc::unavailable ||
         error.code == Errc::unauthenticated;
}

Result<> Repository::describe_images(const ImagePage& each_page, const CallContext& context) {
  Native* native = reader(context);
  if (native == nullptr)
    return make_error(Errc::unsupported, registry_.host() + " tells about one image at a time");
  auto told = native->describe_images(name_, each_page, context);
  if (!told && told.error().code == Errc::not_found) missing_ = true;
  return told;
}

bool Repository::says_missing(const Answer& answer) {
  return answer.status == 404 && has_code(answer, "NAME_UNKNOWN");
}

Result<> Repository::make_if_known_missing(const CallContext& context) {
  if (!missing_ || made_) return {};
  DAVIT_TRY_VOID(make(context));
  return {};
}

Result<bool> Repository::make_missing(int times, Tries& patience, const CallContext& context) {
  if (!made_) return make(context);
  if (times == 0) return true;                             // somebody made it since the request was sent
  return patience.again(Trouble::transient, {}, context);  // it may not be known everywhere yet
}

/// False where it is not to be made, or nobody knows how.
Result<bool> Repository::make(const CallContext& context) {
  if (!create_ || registry_.native() == nullptr) return false;
  auto made = creations_.run(
      "",
      [&] {
        auto created = registry_.native()->create(name_, *create_, context);
        if (created) made_ = true;
        return created;
      },
      context);
  if (!made) return failed(purpose("create", "the repository"), made.error(), made.error().attempts);
  if (*made)
    registry_.wire().log().write(LogLevel::info, "registry", "made the repository", {{"repository", name_}});
  return true;
}

}  // namespace davit::registry
