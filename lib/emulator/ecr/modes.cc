#include "emulator/ecr/modes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <optional>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"

namespace davit::emulator {
namespace {

constexpr std::array kModes{
    // What kind of registry it is, and what is switched on in the account.
    ModeHelp{"registry", "private|public", "private",
             "private: Basic with a token of GetAuthorizationToken; public: Bearer, as the public gallery"},
    ModeHelp{
        "missing-repository", "refuse|cut|create", "refuse",
        "a push into a repository that is not there: 404 NAME_UNKNOWN, a cut connection, or it is created"},
    ModeHelp{"mount", "off|on", "off", "BLOB_MOUNTING of the account; PutAccountSetting switches it too"},
    ModeHelp{
        "throttle", "off|aws|RATES", "off",
        "request rates: AWS's quotas, or RATES as OPERATION:PER_SECOND[,OPERATION:PER_SECOND...]; a second's "
        "worth can be spent at once"},
    ModeHelp{"max-images", "NUMBER>0", "100000", "images in one repository"},
    ModeHelp{"max-layers", "NUMBER>0", "500", "layers in one image"},
    // Credentials and tokens.
    ModeHelp{"token-life", "NUMBER>0", "43200", "seconds an authorization token lives"},
    ModeHelp{"clock-skew", "NUMBER>0", "900", "seconds that a signature's time may differ from the server's"},
    ModeHelp{"clock-ahead", "NUMBER", "0",
             "seconds that the server's clock is ahead of this machine's when it starts"},
    ModeHelp{"auth-status", "400|403", "403", "the status of refused signatures and denied API calls"},
    ModeHelp{"timestamps", "number|exponent|iso", "number", "how the API writes times"},
    ModeHelp{"session-life", "NUMBER>0", "3600", "seconds that credentials of the metadata endpoints live"},
    ModeHelp{"sso-life", "NUMBER>0", "28800", "seconds that an access token of SSO lives"},
    ModeHelp{"imds-token", "200|401|403|404|405", "200",
             "the answer to the PUT for an instance metadata token; 403 and above leave version 1 open"},
    ModeHelp{"container-token", "TEXT", "",
             "the Authorization that the container credentials endpoint wants"},
    ModeHelp{"public-basic-token", "refuse|accept", "refuse",
             "public: whether GetAuthorizationToken's answer itself serves as a Bearer token"},
    ModeHelp{"public-expires-in", "absent|present", "absent", "public: expires_in in the token answer"},
    ModeHelp{"public-alias", "ALIAS", "emulator",
             "public: the alias that the account's repositories are below"},
    // Uploads.
    ModeHelp{"upload-location", "absolute|relative", "absolute", "the Location of an upload"},
    ModeHelp{"upload-denied", "refuse|cut", "refuse",
             "POST of an upload without permission: 403, or a cut connection"},
    ModeHelp{"upload-query", "404|204", "404", "GET of an upload"},
    ModeHelp{"upload-cancel", "404|204", "404", "DELETE of an upload"},
    ModeHelp{"unranged-body", "first|append", "first",
             "where upload bytes without Content-Range belong: at the beginning (416 when some are there), "
             "or after those that are there"},
    ModeHelp{"single-post", "session|store", "session", "POST ?digest= with the blob as its body"},
    ModeHelp{"part-bytes", "NUMBER>0", "10485760", "the parts that an upload is cut into"},
    ModeHelp{"least-part-bytes", "NUMBER", "5242880", "the least size of a part that is not the last"},
    ModeHelp{"small-part-code", "BLOB_UPLOAD_INVALID|SIZE_INVALID", "BLOB_UPLOAD_INVALID",
             "the error code for a part that is too small"},
    ModeHelp{"put-digest", "off|on", "off", "Docker-Content-Digest in the answers to PUT"},
    // Blobs and manifests.
    ModeHelp{"store-life", "NUMBER>0", "3600", "seconds that a download URL lives"},
    ModeHelp{"store-rate", "NUMBER", "0", "bytes per second of one download; 0: as fast as it goes"},
    ModeHelp{"small-blobs", "redirect|direct", "redirect", "blobs under 4 KiB: 307 as all others, or 200"},
    ModeHelp{"unreferenced-blob", "404|403", "404", "GET of a blob that no image uses"},
    ModeHelp{"head-blob", "repository|account", "repository", "where HEAD looks for a blob"},
    ModeHelp{"check-layers", "repository|account", "repository",
             "where BatchCheckLayerAvailability looks for a layer"},
    ModeHelp{"delete-blob", "405|202", "405", "DELETE of a blob"},
    ModeHelp{"missing-content", "404|400", "404",
             "the status when a manifest's layers or children are missing"},
    ModeHelp{"empty-image", "refuse|accept", "refuse", "image manifests without layers"},
    ModeHelp{"foreign-layers", "skip|require", "skip", "whether layers with urls must be in the repository"},
    ModeHelp{"accept", "ignore|strict", "ignore",
             "a manifest whose type the client does not accept: sent anyway, or 404"},
    ModeHelp{"first-pull", "now|404", "now", "the first pull through a cache rule: the image, or 404 once"},
    ModeHelp{"delete-manifest", "202|404|405", "202",
             "DELETE of a manifest; 404 and 405 as in earlier years"},
    ModeHelp{"delete-tag", "405|202", "405", "DELETE of a manifest by its tag"},
    // Jobs.
    ModeHelp{"job-seconds", "NUMBER", "2", "how long a scan, a lifecycle preview or a replication takes"},
    ModeHelp{"restore-seconds", "NUMBER", "60", "how long an archived image takes to come back"},
    // Lists.
    ModeHelp{"tag-order", "scrambled|sorted", "scrambled", "the order of lists"},
    ModeHelp{"referrers-filter", "off|on", "off", "whether the registry filters referrers by artifactType"},
    ModeHelp{"referrers-page", "NUMBER>0", "50", "referrers in one answer"},
    ModeHelp{"retry-after", "NUMBER", "0", "seconds in the Retry-After of a 429; 0: no such header"},
};

const ModeHelp* find(std::string_view name) {
  const auto found = std::ranges::find(kModes, name, &ModeHelp::name);
  return found == kModes.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> as_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::uint64_t kMost = 1'000'000'000;  // seconds of it can still be added to a time
  if (error != std::errc{} || end != text.data() + text.size() || number > kMost) return std::nullopt;
  return number;
}

/// "PutImage:10,ListImages:0.5"
bool are_rates(std::string_view list) {
  while (true) {
    const auto one = list.substr(0, list.find(','));
    const auto colon = one.find(':');
    double rate = 0;
    if (colon == std::string_view::npos || colon == 0) return false;
    const auto [end, error] = std::from_chars(one.data() + colon + 1, one.data() + one.size(), rate);
    if (error != std::errc{} || end != one.data() + one.size() || !(rate > 0)) return false;
    if (one.size() == list.size()) return true;
    list.remove_prefix(one.size() + 1);
  }
}

/// The name of a registry in the public gallery.
bool is_alias(std::string_view text) {
  return text.size() >= 2 && text.size() <= 50 && text.find('/') == std::string_view::npos &&
         Reference::is_repository(text);
}

bool allows(std::string_view values, std::string_view value) {
  while (true) {
    const auto one = values.substr(0, values.find('|'));
    if (one == "TEXT" || one == value || (one == "NUMBER" && as_number(value)) ||
        (one == "NUMBER>0" && as_number(value).value_or(0) > 0) || (one == "RATES" && are_rates(value)) ||
        (one == "ALIAS" && is_alias(value))) {
      return true;
    }
    if (one.size() == values.size()) return false;
    values.remove_prefix(one.size() + 1);
  }
}

}  // namespace

std::span<const ModeHelp> all_modes() {
  return kModes;
}

Result<> Modes::set(std::string_view name, std::string_view value) {
  const ModeHelp* mode = find(name);
  if (mode == nullptr) {
    std::string names;
    for (const auto& one : kModes) names += (names.empty() ? "" : ", ") + std::string(one.name);
    return make_error(Errc::invalid_argument, "no emulator mode " + escaped(name, 80), "there are: " + names);
  }
  if (!allows(mode->values, value)) {
    return make_error(Errc::invalid_argument,
                      "emulator mode " + std::string(name) + " cannot be " + escaped(value, 80),
                      "values: " + std::string(mode->values));
  }
  chosen_[std::string(name)] = value;
  return {};
}

std::string_view Modes::get(std::string_view name) const {
  const auto chosen = chosen_.find(name);
  if (chosen != chosen_.end()) return chosen->second;
  assert(find(name) != nullptr);
  return find(name)->fallback;
}

std::uint64_t Modes::number(std::string_view name) const {
  return as_number(get(name)).value_or(0);
}

}  // namespace davit::emulator
