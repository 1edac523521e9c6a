// What happens by itself: repositories made by templates, images that come through a cache, signatures.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/backend.h"
#include "emulator/ecr/repository_input.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

constexpr const char* kSignature = "application/vnd.cncf.notary.signature";
constexpr const char* kProfile = "davit.emulator.signing-profile";

/// Of the rules for which `applies` holds, the one with the longest prefix that the name begins with.
template <class Applies>
std::optional<json> longest(const std::map<std::string, std::string>& rules, const std::string& repository,
                            const Applies& applies) {
  std::optional<json> found;
  std::size_t size = 0;
  for (const auto& [prefix, text] : rules) {
    const bool root = prefix == "ROOT";
    if (!root && !repository.starts_with(prefix + "/")) continue;
    if (found && (root || prefix.size() <= size)) continue;
    json rule = *parse_json(text);
    if (!applies(rule)) continue;
    found = std::move(rule);
    size = root ? 0 : prefix.size();
  }
  return found;
}

std::optional<json> cache_rule(const RegistrySettings& settings, const std::string& repository) {
  return longest(settings.cache_rules, repository, [](const json&) { return true; });
}

/// The repository of this emulator that plays the upstream's. What another registry holds is what has been
/// pushed below that registry's name.
std::string upstream_repository(const json& rule, std::string repository, const Place& place) {
  const auto prefix = rule.at("ecrRepositoryPrefix").get<std::string>();
  const auto upstream = rule.at("upstreamRepositoryPrefix").get<std::string>();
  const auto host = rule.at("upstreamRegistryUrl").get<std::string>();
  if (prefix != "ROOT") repository.erase(0, prefix.size() + 1);
  if (upstream != "ROOT") repository.insert(0, upstream + "/");
  return host == place.registry ? repository : host + "/" + repository;
}

bool is_signed_by(const json& rule, const std::string& repository) {
  const json& filters = rule.at("repositoryFilters");
  return filters.empty() || std::ranges::any_of(filters, [&](const json& filter) {
           return fits(filter.at("filter").get<std::string>(), repository);
         });
}

}  // namespace

bool Backend::create_by_template(const std::string& repository, const std::string& reason,
                                 const std::string& arn, bool without_one) {
  const auto rule = longest(settings().templates, repository, [&](const json& candidate) {
    return std::ranges::find(candidate.at("appliedFor"), json(reason)) != candidate.at("appliedFor").end();
  });
  if (!rule && !without_one) return false;
  controls_.admit("CreateRepository", repository, arn, place_);
  RepositoryRecord wanted = rule ? read_template(Input(*rule)) : RepositoryRecord{};
  wanted.name = repository;
  try {
    create(std::move(wanted));
  } catch (const Refusal& refusal) {
    if (refusal.name != "RepositoryAlreadyExistsException") throw;  // another request was first
  }
  return true;
}

bool Backend::is_cache(const std::string& repository) const {
  return cache_rule(settings(), repository).has_value();
}

bool Backend::import(const std::string& repository, const std::string& reference, const std::string& arn) {
  const auto rule = cache_rule(settings(), repository);
  if (!rule || image(repository, reference)) return false;
  const std::string upstream = upstream_repository(*rule, repository, place_);
  const auto found = image(upstream, reference);
  if (!found || upstream == repository) return false;
  controls_.admit("BatchImportUpstreamImage", repository, arn, place_);
  if (!has(repository)) create_by_template(repository, "PULL_THROUGH_CACHE", arn, true);
  MutexLock putting(put_mutex_);
  copy_image(upstream, repository, *found);
  if (!Digest::parse(reference)) storage_.set_tag(repository, reference, found->descriptor().digest);
  return controls_.modes().is("first-pull", "404");
}

void Backend::copy_image(const std::string& from, const std::string& to, const Manifest& manifest) {
  for (const auto& child : manifest.children()) {
    const auto below = model::is_manifest(model::essence(child.media_type))
                           ? storage_.manifest(from, child.digest)
                           : std::nullopt;
    if (below) {
      copy_image(from, to, *below);
    } else {
      storage_.link_blob(to, from, child.digest);
    }
  }
  storage_.put_manifest(to, manifest);
  change_image(to, manifest.descriptor().digest, [](ImageTimes&) {});
}

void Backend::sign(const std::string& repository, const Manifest& manifest) {
  const std::string configuration = settings().signing;
  if (configuration.empty() || manifest.subject()) return;
  const Descriptor& subject = manifest.descriptor();
  const json subject_json = {
      {"mediaType", subject.media_type}, {"digest", subject.digest.to_string()}, {"size", subject.size}};
  const auto store = [&](const std::string& type, const std::string& bytes) -> json {
    const Digest digest = Digest::of(bytes);
    storage_.put_blob(repository, digest, bytes);
    return {{"mediaType", type}, {"digest", digest.to_string()}, {"size", bytes.size()}};
  };
  const auto parsed = parse_json(configuration);
  for (const auto& rule : parsed->at("rules")) {
    if (!is_signed_by(rule, repository)) continue;
    // Nobody can verify it: the envelope says what is signed and nothing else.
    const json signature = {
        {"schemaVersion", 2},
        {"mediaType", std::string(model::kOciManifest)},
        {"artifactType", kSignature},
        {"config", store("application/vnd.oci.empty.v1+json", "{}")},
        {"layers", {store("application/jose+json", json{{"targetArtifact", subject_json}}.dump())}},
        {"subject", subject_json},
        {"annotations", {{kProfile, rule.at("signingProfileArn")}}}};
    const auto made = Manifest::parse(signature.dump(), model::kOciManifest);
    if (!made) throw Refusal{"ServerException", made.error().message};
    storage_.put_manifest(repository, *made);
    change_image(repository, made->descriptor().digest, [](ImageTimes&) {});
  }
}

std::vector<std::pair<std::string, bool>> Backend::signatures(const std::string& repository,
                                                              const Digest& digest) const {
  std::vector<std::pair<std::string, bool>> out;
  const auto parsed = parse_json(settings().signing);
  if (!parsed) return out;
  const auto referrers = storage_.referrers(repository, digest);
  for (const auto& rule : parsed->at("rules")) {
    if (!is_signed_by(rule, repository)) continue;
    const auto profile = rule.at("signingProfileArn").get<std::string>();
    out.emplace_back(profile, std::ranges::any_of(referrers, [&](const Manifest& one) {
                       const auto said = one.annotations().find(kProfile);
                       return said != one.annotations().end() && said->second == profile;
                     }));
  }
  return out;
}

}  // namespace davit::emulator
