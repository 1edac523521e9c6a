// The YAML of `skopeo sync --src yaml` (github.com/containers/skopeo, docs/skopeo-sync.1.md).

#include <utility>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/foreign_notes.h"
#include "config/masterminds_range.h"
#include "config/mirror_dialects.h"
#include "config/mirror_values.h"

namespace davit::config {
namespace {

/// skopeo searches in tags; here patterns match the whole of them.
constexpr const char* kSearch = "(?:.*)(?:@)(?:.*)";

/// Reads one registry.
class SkopeoReader {
 public:
  SkopeoReader(std::string prefix, ForeignNotes& notes, MirrorSettings& out)
      : prefix_(std::move(prefix)), notes_(notes), out_(out) {}

  Result<> read(const YAML::Node& node, const Place& place) {
    Registry registry;
    bool verify = true;
    Credential login;
    std::string identity, password;
    const std::size_t before = out_.file.jobs.size();
    const Setter tls_verify = [&](const YAML::Node& value, const Place& at) -> Result<> {
      DAVIT_TRY_VOID(loose_truth(verify)(value, at));
      if (!verify) {
        notes_.add(value, at,
                   "tls-verify: certificates are not checked; http is not tried, --plain-http is for it");
      }
      return {};
    };
    DAVIT_TRY_VOID(read_mapping(
        node, place,
        {{"images", each_image([this](auto&&... rest) { return add_names(rest...); })},
         {"images-by-tag-regex", each_image([this](auto&&... rest) { return add_pattern(rest...); })},
         {"images-by-semver", each_image([this](auto&&... rest) { return add_range(rest...); })},
         {"credentials",
          [&](const YAML::Node& value, const Place& at) {
            return read_mapping(value, at,
                                {{"username", text(login.username)},
                                 {"password", text(password)},
                                 {"identitytoken", text(identity)}});
          }},
         {"tls-verify", tls_verify},
         {"cert-dir", text(registry.options.certificate_directory)}}));
    if (out_.file.jobs.size() == before)
      notes_.add(node, place, "no images of " + escaped(prefix_, 200) + " are named");
    registry.options.verify_tls = verify;
    if (!registry.options.certificate_directory.empty()) registry.options.plain_http = false;
    if (!login.username.empty() || !password.empty() || !identity.empty()) {
      login.password = Secret(std::move(password));
      login.identity_token = Secret(std::move(identity));
      registry.credential = std::move(login);
    }
    DAVIT_TRY(const std::string host, host_of(node, place));
    if (registry.credential || !verify || !registry.options.certificate_directory.empty()) {
      if (!out_.registries.emplace(host, std::move(registry)).second)
        return place.wrong(node, "says anew how to reach " + host);
    }
    return {};
  }

 private:
  /// A registry may be written with the beginning of its repositories' names.
  Result<std::string> host_of(const YAML::Node& node, const Place& place) const {
    auto host = Reference::parse_registry(prefix_.substr(0, prefix_.find('/')));
    if (!host) return place.wrong(node, "is no registry");
    return *std::move(host);
  }

  template <typename Add>
  Setter each_image(Add add) {
    return [this, add](const YAML::Node& node, const Place& place) -> Result<> {
      if (node.IsNull()) return {};
      if (!node.IsMap()) return place.wrong(node, "wants a mapping of images");
      DAVIT_TRY(const Entries entries, entries_of(node, place));
      for (const auto& entry : entries) {
        const std::string& name = entry.first.Scalar();
        const Place at = place.at(name);
        const auto reference = Reference::parse(prefix_ + "/" + name);
        if (!reference || !reference->tag.empty() || reference->digest)
          return place.wrong(entry.first, "has \"" + escaped(name, 120) + "\", which is no repository");
        if (out_.file.jobs.size() >= kMostMirrorJobs)
          return place.wrong(entry.first,
                             "is one image too many: more than " + std::to_string(kMostMirrorJobs));
        MirrorJob job;
        job.sources = {reference->name()};
        DAVIT_TRY_VOID(add(entry.second, at, job));
        out_.file.jobs.push_back(std::move(job));
      }
      return {};
    };
  }

  Result<> add_names(const YAML::Node& node, const Place& place, MirrorJob& job) {
    if (node.IsNull()) return {};  // every tag
    if (!node.IsSequence()) return place.wrong(node, "wants a list of tags and digests");
    for (const YAML::Node& each : node) {
      DAVIT_TRY(const FilledText value, filled_text_of(each, place));
      DAVIT_TRY_VOID(check_tag(value, each, place));
      job.tags.names.push_back(value.text);
    }
    return {};
  }

  Result<> add_pattern(const YAML::Node& node, const Place& place, MirrorJob& job) {
    DAVIT_TRY(const FilledText value, filled_text_of(node, place));
    DAVIT_TRY(std::string pattern, pattern_of(value, node, place, kSearch));
    job.tags.choice = TagChoice{.include = {std::move(pattern)}};
    return {};
  }

  Result<> add_range(const YAML::Node& node, const Place& place, MirrorJob& job) {
    DAVIT_TRY(const std::string written, text_of(node, place));
    auto range = npm_range(written);
    if (!range)
      return place.wrong(node, "\"" + escaped(written, 120) + "\": " + range.error().message,
                         "images-by-tag-regex, or semver in a davit file, may say what is meant");
    job.tags.choice = TagChoice{.semver = *std::move(range), .partial_versions = true};
    return {};
  }

  const std::string prefix_;
  ForeignNotes& notes_;
  MirrorSettings& out_;
};

}  // namespace

Result<> read_skopeo(const YAML::Node& root, const Place& place, MirrorSettings& out) {
  ForeignNotes notes(out.file.notes);
  DAVIT_TRY(const Entries entries, entries_of(root, place));
  for (const auto& entry : entries) {
    const std::string& key = entry.first.Scalar();
    if (Reference::holds_credentials(key + "/x") || !Reference::parse(key + "/x"))
      return place.wrong(entry.first, "has a key that is no registry");
    DAVIT_TRY_VOID(SkopeoReader(key, notes, out).read(entry.second, place.at(key)));
  }
  if (out.file.jobs.empty()) return place.wrong(root, "names no images");
  notes.add(
      root, place,
      "all platforms of an index are copied unless --platform chooses, and signatures and SBOMs with them; "
      "skopeo takes one platform unless --all is said, and no SBOMs");
  return {};
}

}  // namespace davit::config
