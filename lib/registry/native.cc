// Asking by the registry's own interface, where it has one; and making a repository by it.

#include "registry/native.h"

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

/// More often than this, "missing" right after it was made is not a matter of time.
constexpr int kMostPatience = 5;

bool is_over(const Error& error) {
  return error.code == Errc::cancelled || error.code == Errc::timeout;
}

}  // namespace

bool Repository::asks_natively() const {
  return registry_.native() != nullptr && !native_denied_;
}

std::size_t Repository::probe_batch() const {
  return asks_natively() ? registry_.native()->batch() : 1;
}

/// Errors: as Native; whoever gets one asks by the protocol.
Result<std::vector<Presence>> Repository::probe_natively(std::span<const Descriptor> wanted,
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
    DAVIT_TRY(const std::vector<bool> there, registry_.native()->has_blobs(name_, blobs, context));
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (there[i]) found[places[i]] = Presence::present;
    }
  }
  if (manifests.size() > 1) {
    DAVIT_TRY(const auto there, registry_.native()->manifests(name_, manifests, context));
    for (std::size_t i = 0; i < manifest_places.size(); ++i) {
      if (there[i]) found[manifest_places[i]] = Presence::sealed;
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
  if (asks_natively() && !wanted.empty()) {
    auto found = probe_natively(wanted, context);
    if (found) return found;
    const Error& error = found.error();
    if (is_over(error)) return error;
    if (error.code == Errc::not_found) {
      missing_ = true;  // nothing is made by asking; the first upload does that
      return std::vector<Presence>(wanted.size(), Presence::absent);
    }
    if (error.code != Errc::rate_limited && error.code != Errc::unavailable) native_denied_ = true;
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
  return registry_.native() != nullptr && !native_reads_denied_ ? registry_.native()->batch() : 1;
}

Result<std::vector<std::optional<Manifest>>> Repository::manifests(std::span<const std::string> names,
                                                                   const CallContext& context) {
  if (names.size() > 1 && registry_.native() != nullptr && !native_reads_denied_) {
    auto found = registry_.native()->manifests(name_, names, context);
    if (found || is_over(found.error())) return found;
    const Errc code = found.error().code;
    if (code != Errc::rate_limited && code != Errc::unavailable && code != Errc::not_found)
      native_reads_denied_ = true;
  }
  return ContentSource::manifests(names, context);
}

Result<std::vector<std::string>> Repository::newest(std::size_t count, const CallContext& context) {
  if (registry_.native() == nullptr)
    return make_error(Errc::unsupported, registry_.host() + " does not say which tags are new");
  return registry_.native()->newest_tags(name_, count, context);
}

bool Repository::says_missing(const Answer& answer) {
  return answer.status == 404 && has_code(answer, "NAME_UNKNOWN");
}

Result<> Repository::make_if_known_missing(const CallContext& context) {
  if (!missing_ || made_) return {};
  DAVIT_TRY_VOID(make_missing(0, context));
  return {};
}

Result<bool> Repository::make_missing(int times, const CallContext& context) {
  if (!create_ || registry_.native() == nullptr || times > kMostPatience) return false;
  if (made_) {
    if (times == 0) return true;
    Tries patience = registry_.wire().tries();  // it may not be known everywhere yet
    return patience.again(Trouble::transient, {}, context);
  }
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
