// davit's own mirror files.

#include <algorithm>
#include <set>

#include <davit/reference.h>

#include "base/error.h"
#include "base/try.h"
#include "config/mirror_dialects.h"
#include "config/mirror_values.h"
#include "config/registries_field.h"
#include "config/repository_settings.h"
#include "model/semver.h"
#include "model/target_name.h"

namespace davit::config {
namespace {

constexpr std::size_t kMost = 1'000'000;  // of anything that is counted

Setter tag_names(std::vector<std::string>& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const std::vector<FilledText> texts, filled_texts_of(node, place));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      DAVIT_TRY_VOID(check_tag(texts[i], node.IsSequence() ? node[i] : node, place));
      into.push_back(texts[i].text);
    }
    return {};
  };
}

Setter version_range(std::string& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(const FilledText value, filled_text_of(node, place));
    if (const auto range = model::VersionRange::parse(value.text); !range) {
      return place.wrong(node,
                         with_detail(quoted(value) + " is no version range", value, range.error().message),
                         "ranges are npm's: '>=1.2 <3', ~1.2, ^1.2.3, 1.x || 3.x");
    }
    into = value.text;
    return {};
  };
}

/// A list that is there has something in it: without one every tag is meant.
Setter some(Setter setter) {
  return [setter = std::move(setter)](const YAML::Node& node, const Place& place) -> Result<> {
    if (!node.IsSequence() || node.size() > 0) return setter(node, place);
    return place.wrong(node, "is empty", "every tag is meant when it is left out");
  };
}

/// A list is one of names.
Setter tags(MirrorTags& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    MirrorTags out;
    if (!node.IsMap()) {
      DAVIT_TRY_VOID(tag_names(out.names)(node, place));
      if (out.names.empty())
        return place.wrong(node, "is empty", "every tag is meant when there is no tags at all");
      into = std::move(out);
      return {};
    }
    TagChoice choice;
    DAVIT_TRY_VOID(read_mapping(node, place,
                                {{"names", some(tag_names(out.names))},
                                 {"include", some(patterns(choice.include))},
                                 {"exclude", patterns(choice.exclude)},
                                 {"semver", version_range(choice.semver)},
                                 {"latest", count(choice.latest, 1, kMost)},
                                 {"max_age", stored(out.max_age, age_of)},
                                 {"min_tags", count(out.min_tags, 0, kMost)},
                                 {"immutable", patterns(out.immutable)}}));
    const bool chooses = !choice.include.empty() || !choice.semver.empty() || choice.latest;
    if (!out.names.empty() && !chooses && !choice.exclude.empty()) {
      return place.wrong(node, "excludes tags, but has only names to choose from",
                         "names are always taken; include: '.*' adds the others");
    }
    if (chooses || !choice.exclude.empty()) out.choice = std::move(choice);
    into = std::move(out);
    return {};
  };
}

Setter prune(MirrorPrune& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    if (node.IsScalar()) {
      DAVIT_TRY(into.enabled, truth_of(node, place));
      return {};
    }
    if (!node.IsMap()) return place.wrong(node, "is true, false or a mapping");
    into.enabled = true;
    return read_mapping(
        node, place,
        {{"protect", patterns(into.protect)}, {"max_deletes", count(into.max_deletes, 0, kMost)}});
  };
}

Setter repositories(MirrorJob& job) {
  return [&job](const YAML::Node& node, const Place& place) {
    job.include_repositories.clear();
    job.exclude_repositories.clear();
    return read_mapping(
        node, place,
        {{"include", patterns(job.include_repositories)}, {"exclude", patterns(job.exclude_repositories)}});
  };
}

/// What `defaults` may say, and every job.
Setters shared_settings(MirrorJob& job) {
  return {{"repositories", repositories(job)},
          {"tags", tags(job.tags)},
          {"platforms", platforms(job.platforms)},
          {"referrers", truth(job.referrers)},
          {"digest_tags", truth(job.digest_tags)},
          {"require_referrers", patterns(job.require_referrers)},
          {"replace_tags", truth(job.replace_tags)},
          {"prune", prune(job.prune)},
          {"create_repositories", new_repository(job.create_repositories)}};
}

using Check = Result<> (*)(const FilledText&, const YAML::Node&, const Place&);

/// One name or several, each checked; `source` and `sources` are two words for it.
Setter names(std::vector<std::string>& into, Check check, const char* other_word) {
  return [&into, check, other_word](const YAML::Node& node, const Place& place) -> Result<> {
    if (!into.empty()) return place.wrong(node, std::string("stands beside ") + other_word);
    DAVIT_TRY(const std::vector<FilledText> texts, filled_texts_of(node, place));
    if (texts.empty()) return place.wrong(node, "is empty");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      DAVIT_TRY_VOID(check(texts[i], node.IsSequence() ? node[i] : node, place));
      if (std::ranges::find(into, texts[i].text) != into.end())
        return place.wrong(node.IsSequence() ? node[i] : node, "has " + quoted(texts[i]) + " twice");
      into.push_back(texts[i].text);
    }
    return {};
  };
}

/// What is wrong with one source and where it goes, as far as that shows without asking anybody.
Result<> check_ends(const std::string& source, const MirrorJob& job, const YAML::Node& node,
                    const Place& place) {
  if (is_listed(source) || source.starts_with("ecr:")) return {};
  DAVIT_TRY(const Reference from, Reference::parse(source));
  const bool chosen = job.tags.choice || !job.tags.names.empty();
  if (chosen && (!from.tag.empty() || from.digest))
    return place.wrong(node, "has a source that is one image, and tags besides",
                       "leave out the tag of the source, or tags");
  for (const std::string& target : job.targets) {
    DAVIT_TRY(const std::string filled, model::fill_target(target, from));
    if (filled.starts_with("ecr:")) continue;
    const auto to = Reference::parse(filled);
    if (to && to->name() == from.name()) return place.wrong(node, "has a target that is its own source");
  }
  return {};
}

Result<> check_whole(const MirrorJob& job, const YAML::Node& node, const Place& place) {
  if (job.sources.empty()) return place.wrong(node, "has no source");
  if (job.targets.empty()) return place.wrong(node, "has no targets");
  const bool listed = std::ranges::any_of(job.sources, is_listed);
  if (node["repositories"].IsDefined() && !listed) {
    return place.at("repositories")
        .wrong(node["repositories"], "chooses from a registry's list, and no source here is one",
               "a source such as registry.example.com/team/* is");
  }
  for (const std::string& source : job.sources) DAVIT_TRY_VOID(check_ends(source, job, node, place));
  if (!listed && job.sources.size() == 1) return {};
  for (const std::string& target : job.targets) {
    if (target.find("{repo}") != std::string::npos || target.find("{name}") != std::string::npos) continue;
    return place.wrong(node, "has several repositories, and a target with one name for all of them",
                       "{repo} in a target is the name of the source's repository, {name} its last part");
  }
  return {};
}

Result<MirrorJob> job_of(const YAML::Node& node, const Place& place, const MirrorJob& defaults) {
  if (!node.IsMap()) return place.wrong(node, "wants a mapping");
  MirrorJob job = defaults;
  Setters known = shared_settings(job);
  known["name"] = text(job.name);
  known["source"] = names(job.sources, check_source, "sources");
  known["sources"] = names(job.sources, check_source, "source");
  known["target"] = names(job.targets, check_target, "targets");
  known["targets"] = names(job.targets, check_target, "target");
  DAVIT_TRY_VOID(read_mapping(node, place, known));
  DAVIT_TRY_VOID(check_whole(job, node, place));
  return job;
}

Result<std::vector<MirrorJob>> jobs_of(const YAML::Node& node, const Place& place,
                                       const MirrorJob& defaults) {
  std::vector<MirrorJob> out;
  if (!node.IsSequence() || node.size() == 0) return place.wrong(node, "wants a list of jobs");
  if (node.size() > kMostMirrorJobs)
    return place.wrong(node, "has more than " + std::to_string(kMostMirrorJobs) + " jobs");
  std::set<std::string> seen;
  for (const YAML::Node& each : node) {
    const Place at = place.at(out.size());
    DAVIT_TRY(MirrorJob job, job_of(each, at, defaults));
    if (!job.name.empty() && !seen.insert(job.name).second)
      return at.at("name").wrong(each["name"].IsDefined() ? each["name"] : each,
                                 "is the name of an earlier job");
    out.push_back(std::move(job));
  }
  return out;
}

}  // namespace

Result<> read_own(const YAML::Node& root, const Place& place, MirrorSettings& out) {
  // `defaults` may stand behind the jobs.
  MirrorJob defaults;
  const auto later = [](const YAML::Node&, const Place&) -> Result<> { return {}; };
  const auto read_defaults = [&](const YAML::Node& node, const Place& at) -> Result<> {
    return read_mapping(node, at, shared_settings(defaults));
  };
  const auto read_registries = [&](const YAML::Node& node, const Place& at) -> Result<> {
    DAVIT_TRY(out.registries, registries_of(node, at));
    return {};
  };
  Setters known = {{"registries", read_registries}, {"defaults", read_defaults}, {"jobs", later}};
  for (const auto& entry : root) {  // a place for anchors
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    if (key.starts_with("x-")) known[key] = later;
  }
  DAVIT_TRY_VOID(read_mapping(root, place, known));
  if (!root["jobs"].IsDefined()) return place.wrong(root, "has no jobs");
  DAVIT_TRY(out.file.jobs, jobs_of(root["jobs"], place.at("jobs"), defaults));
  return {};
}

}  // namespace davit::config
