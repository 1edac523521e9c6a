#include "config/regsync_creds.h"

#include <charconv>
#include <utility>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/go_template.h"

namespace davit::config {
namespace {

constexpr std::string_view kHelperPrefix = "docker-credential-";

/// A value that may have lines, and templates.
Result<FilledText> expanded(const YAML::Node& node, const Place& place,
                            const MirrorSurroundings& surroundings) {
  if (!node.IsScalar()) return place.wrong(node, "wants a text");
  auto out = filled_template(node.Scalar(), surroundings);
  if (!out) return place.wrong(node, out.error().message, out.error().hint);
  return out;
}

struct Login {
  FilledText user, password, token;

  [[nodiscard]] bool given() const {
    return !user.text.empty() || !password.text.empty() || !token.text.empty();
  }
};

Setter tls(RegistryOptions& options) {
  return [&options](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const std::string mode, text_of(node, place));
    if (mode != "enabled" && mode != "insecure" && mode != "disabled")
      return place.wrong(node, "is enabled, insecure or disabled");
    options.plain_http = mode == "disabled";
    options.verify_tls = mode != "insecure";
    return {};
  };
}

/// Requests in a second; 0 is no limit.
Setter requests(double& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const std::string text, text_of(node, place));
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (problem != std::errc{} || end != text.data() + text.size() || !(into >= 0 && into <= 1e6))
      return place.wrong(node, "wants a number of requests in a second");
    return {};
  };
}

Setter helper(std::string& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(into, text_of(node, place));
    if (!into.starts_with(kHelperPrefix) || into.size() == kHelperPrefix.size())
      return place.wrong(node, "is the name of a program docker-credential-NAME");
    into.erase(0, kHelperPrefix.size());
    return {};
  };
}

Result<std::pair<std::string, Registry>> registry_of(const YAML::Node& node, const Place& place,
                                                     const MirrorSurroundings& surroundings,
                                                     ForeignNotes& notes) {
  FilledText name, certificate;
  Login login;
  std::string hostname;
  Registry out;
  const auto expand = [&surroundings](FilledText& into) -> Setter {
    return [&](const YAML::Node& value, const Place& at) -> Result<> {
      DAVIT_TRY(into, expanded(value, at, surroundings));
      return {};
    };
  };
  const std::string elsewhere = "images would come from elsewhere";
  DAVIT_TRY_VOID(read_mapping(
      node, place,
      {{"registry", expand(name)},
       {"user", expand(login.user)},
       {"pass", expand(login.password)},
       {"token", expand(login.token)},
       {"credHelper", helper(out.helper)},
       {"tls", tls(out.options)},
       {"regcert", expand(certificate)},
       {"hostname", text(hostname)},
       {"credHost", ForeignNotes::refused("the helper is asked for the registry's own name")},
       {"clientCert",
        ForeignNotes::refused("registries: {HOST: {cert_file, key_file}} in the configuration file")},
       {"clientKey",
        ForeignNotes::refused("registries: {HOST: {cert_file, key_file}} in the configuration file")},
       {"pathPrefix", ForeignNotes::refused(elsewhere)},
       {"scheme", ForeignNotes::refused("tls: disabled means http", "https")},
       {"mirrors", notes.passed_over("the registry itself is asked")},
       {"priority", ForeignNotes::of_no_matter()},
       {"credExpire", notes.passed_over("helpers are asked again when a registry wants it")},
       {"repoAuth", ForeignNotes::of_no_matter()},  // tokens are always for one repository
       {"api", ForeignNotes::of_no_matter()},       // deprecated, and without effect
       {"apiOpts", notes.passed_over("there are no such options")},
       {"blobChunk", notes.passed_over("blobs are sent whole, or as --chunk-size says")},
       {"blobMax", notes.passed_over("blobs are sent whole, or as --chunk-size says")},
       {"reqPerSec", requests(out.options.limits.requests)},
       {"reqConcurrent", count(out.options.limits.concurrency, 0, 10'000)}}));
  if (name.text.empty()) return place.wrong(node, "has no registry");
  auto host = Reference::parse_registry(name.text);
  if (!host) return place.at("registry").wrong(node, "is no host");
  const bool hub = *host == "docker.io" && hostname == "registry-1.docker.io";
  if (!hostname.empty() && hostname != name.text && !hub)
    return place.at("hostname").wrong(node, "is not supported: " + elsewhere);
  if (login.given() && !out.helper.empty()) return place.wrong(node, "has both a login and a credHelper");
  if (login.user.text.empty() != login.password.text.empty())
    return place.wrong(node, "has only one of user and pass");
  if (login.given()) {
    out.credential = Credential{.username = login.user.text,
                                .password = Secret(login.password.text),
                                .identity_token = Secret(login.token.text)};
  }
  out.options.ca_pem = certificate.text;
  if (!out.options.ca_pem.empty() && !out.options.plain_http) out.options.plain_http = false;
  return std::pair(*std::move(host), std::move(out));
}

}  // namespace

Result<> read_regsync_creds(const YAML::Node& node, const Place& place,
                            const MirrorSurroundings& surroundings, ForeignNotes& notes,
                            MirrorSettings& out) {
  if (node.IsNull()) return {};
  if (!node.IsSequence()) return place.wrong(node, "wants a list");
  std::size_t index = 0;
  for (const YAML::Node& each : node) {
    const Place at = place.at(index++);
    DAVIT_TRY(auto registry, registry_of(each, at, surroundings, notes));
    if (!out.registries.emplace(std::move(registry)).second)
      return at.wrong(each, "has the registry of an earlier entry");
  }
  return {};
}

}  // namespace davit::config
