// regsync's files (github.com/regclient/regclient, docs/regsync.md).

#include <algorithm>
#include <set>

#include <davit/reference.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/foreign_notes.h"
#include "config/go_template.h"
#include "config/mirror_dialects.h"
#include "config/mirror_values.h"
#include "config/regsync_creds.h"

namespace davit::config {
namespace {

/// An allow and deny list. regsync binds its patterns as ^PATTERN$, which in "a|b" binds one end of each.
struct Lists {
  std::vector<std::string> allow;
  std::vector<std::string> deny;
};

Setter bound_patterns(std::vector<std::string>& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    if (node.IsNull()) return {};
    if (!node.IsSequence()) return place.wrong(node, "wants a list");
    std::size_t index = 0;
    for (const YAML::Node& each : node) {
      const Place at = place.at(index++);
      DAVIT_TRY(const FilledText value, filled_text_of(each, at));
      const bool alternatives = value.text.find('|') != std::string::npos;
      DAVIT_TRY(into.emplace_back(), pattern_of(value, each, at, alternatives ? "(?:.*)(?:^@$)(?:.*)" : "@"));
    }
    return {};
  };
}

Setters list_setters(Lists& into) {
  return {{"allow", bound_patterns(into.allow)}, {"deny", bound_patterns(into.deny)}};
}

std::optional<TagChoice> choice_of(Lists lists) {
  if (lists.allow.empty() && lists.deny.empty()) return {};
  return TagChoice{.include = std::move(lists.allow), .exclude = std::move(lists.deny)};
}

/// What an entry says; entries begin as what `defaults` says.
struct Entry {
  FilledText source, target;
  YAML::Node source_node, target_node;
  std::string type = {};
  std::vector<Lists> tag_sets = {};
  Lists repositories = {};
  std::vector<Platform> platforms = {};
  bool one_platform = false;
  bool referrers = false;
  bool digest_tags = false;
  YAML::Node filters;  // of referrers
};

class RegsyncReader {
 public:
  RegsyncReader(const MirrorSurroundings& surroundings, MirrorSettings& out)
      : surroundings_(surroundings), notes_(out.file.notes), out_(out) {}

  Result<> read(const YAML::Node& root, const Place& place) {
    Setters known = {
        {"version",
         [](const YAML::Node& node, const Place& at) -> Result<> {
           if (node.IsScalar() && (node.Scalar() == "1" || node.Scalar() == "0")) return {};
           return at.wrong(node, "is 1");
         }},
        {"creds", [&](const YAML::Node& node,
                      const Place& at) { return read_regsync_creds(node, at, surroundings_, notes_, out_); }},
        {"defaults", [&](const YAML::Node& node, const Place& at) { return read_defaults(node, at); }},
        {"sync", ForeignNotes::of_no_matter()}};  // read below, after the defaults
    for (const auto& entry : root) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
      if (key.starts_with("x-")) known[key] = ForeignNotes::of_no_matter();
    }
    DAVIT_TRY_VOID(read_mapping(root, place, known));
    const YAML::Node list = root["sync"];
    if (!list.IsDefined() || !list.IsSequence() || list.size() == 0)
      return place.wrong(list.IsDefined() ? list : root, "has no sync entries");
    if (list.size() > kMostMirrorJobs)
      return place.wrong(list, "has more than " + std::to_string(kMostMirrorJobs) + " sync entries");
    std::size_t index = 0;
    for (const YAML::Node& each : list) DAVIT_TRY_VOID(read_entry(each, place.at("sync").at(index++)));
    return {};
  }

 private:
  Setter media_types() {
    return [this](const YAML::Node& node, const Place& place) -> Result<> {
      if (node.IsNull() || (node.IsSequence() && node.size() == 0)) return {};
      DAVIT_TRY(const std::vector<std::string> listed, texts_of(node, place));
      for (const char* usual :
           {"application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"}) {
        if (std::ranges::find(listed, usual) == listed.end())
          return place.wrong(node, std::string("leaves out ") + usual + ": that is not supported");
      }
      notes_.add(node, place, "mediaTypes: every kind of image is copied");
      return {};
    };
  }

  /// What `defaults` and every entry may say.
  Setters shared_settings(Entry& entry) {
    const std::string once = "davit runs once; what starts it decides when";
    return {{"digestTags", loose_truth(entry.digest_tags)},
            {"referrers", loose_truth(entry.referrers)},
            {"referrerFilters",
             [&entry](const YAML::Node& node, const Place&) -> Result<> {
               entry.filters.reset(node);
               return {};
             }},
            {"referrerSource", ForeignNotes::refused("referrers would come from elsewhere")},
            {"referrerTarget", ForeignNotes::refused("referrers would go elsewhere")},
            {"referrerSlow", notes_.passed_over("referrers are looked for as the registry lists them")},
            {"includeExternal", ForeignNotes::refused("layers outside of the registry stay there", "false")},
            {"forceRecursive", notes_.passed_over("what the target has is not read again")},
            {"fastCheck", notes_.passed_over("unchanged tags take few requests anyway")},
            {"fastCopy", notes_.passed_over("unchanged tags take few requests anyway")},
            {"backup", notes_.passed_over("nothing keeps what a tag was before; the report says its digest")},
            {"interval", notes_.passed_over(once)},
            {"schedule", notes_.passed_over(once)},
            {"ratelimit", notes_.passed_over("davit paces itself by what registries say about their limits")},
            {"mediaTypes", media_types()},
            {"hooks", notes_.passed_over("no commands are run")}};
  }

  Result<> read_defaults(const YAML::Node& node, const Place& place) {
    Setters known = shared_settings(defaults_);
    known["parallel"] = notes_.passed_over("--jobs says how many transfers run at once");
    known["skipDockerConfig"] =
        notes_.passed_over("credentials that docker stored are used where the file has none");
    for (const char* key : {"blobLimit", "cacheCount", "cacheTime", "userAgent"})
      known[key] = notes_.passed_over("there is no such setting");
    return read_mapping(node, place, known);
  }

  Setter expanded(FilledText& into, YAML::Node& where) {
    return [this, &into, &where](const YAML::Node& node, const Place& place) -> Result<> {
      DAVIT_TRY_VOID(text_of(node, place));
      where.reset(node);
      auto text = filled_template(node.Scalar(), surroundings_);
      if (!text) return place.wrong(node, text.error().message, text.error().hint);
      into = *std::move(text);
      return {};
    };
  }

  Setter tag_set(Entry& entry) {
    return [&entry](const YAML::Node& node, const Place& place) -> Result<> {
      Lists lists;
      Setters known = list_setters(lists);
      known["semverRange"] = ForeignNotes::refused(
          "regsync takes versions that npm's ranges leave out; patterns, or semver in a davit file, say what "
          "is meant");
      DAVIT_TRY_VOID(read_mapping(node, place, known));
      if (!lists.allow.empty() || !lists.deny.empty()) entry.tag_sets.push_back(std::move(lists));
      return {};
    };
  }

  Setter tag_sets(Entry& entry) {
    return [this, &entry](const YAML::Node& node, const Place& place) -> Result<> {
      if (!node.IsNull() && !node.IsSequence()) return place.wrong(node, "wants a list");
      std::size_t index = 0;
      for (const YAML::Node& each : node) {
        const std::size_t before = entry.tag_sets.size();
        DAVIT_TRY_VOID(tag_set(entry)(each, place.at(index++)));
        if (entry.tag_sets.size() == before) entry.tag_sets.emplace_back();  // every tag
      }
      return {};
    };
  }

  Setter entry_platforms(Entry& entry, bool one) {
    return [this, &entry, one](const YAML::Node& node, const Place& place) -> Result<> {
      if (node.IsNull() || (node.IsSequence() && node.size() == 0)) return {};
      if (!entry.platforms.empty()) return place.wrong(node, "stands beside the other word for it");
      if (one && !node.IsScalar()) return place.wrong(node, "wants a text");
      if (!one) {
        if (!node.IsSequence()) return place.wrong(node, "wants a list");
        notes_.add(
            node, place,
            "platforms: the index is written anew to list these alone, so that its digest changes; regsync "
            "leaves out the others and keeps the index");
      }
      if (one && node.Scalar() == "local") {
        entry.platforms = {Platform::host()};
        return {};
      }
      return platforms(entry.platforms)(node, place);
    };
  }

  Result<> read_entry(const YAML::Node& node, const Place& place) {
    if (!node.IsMap()) return place.wrong(node, "wants a mapping");
    Entry entry = defaults_;
    entry.filters.reset(defaults_.filters);
    Setters known = shared_settings(entry);
    known["source"] = expanded(entry.source, entry.source_node);
    known["target"] = expanded(entry.target, entry.target_node);
    known["type"] = text(entry.type);
    known["tags"] = tag_set(entry);
    known["tagSets"] = tag_sets(entry);
    known["repos"] = [&entry](const YAML::Node& value, const Place& at) {
      return read_mapping(value, at, list_setters(entry.repositories));
    };
    known["platform"] = entry_platforms(entry, true);
    known["platforms"] = entry_platforms(entry, false);
    DAVIT_TRY_VOID(read_mapping(node, place, known));
    if (entry.source.text.empty()) return place.wrong(node, "has no source");
    if (entry.target.text.empty()) return place.wrong(node, "has no target");
    if (entry.referrers && entry.filters.IsDefined() && entry.filters.size() != 0)
      return place.at("referrerFilters")
          .wrong(entry.filters, "is not supported: all referrers are copied, or none");
    for (const FilledText* each : {&entry.source, &entry.target}) {
      if (each->text.starts_with("ocidir://"))
        return place.wrong(node, "is about a folder (ocidir://): a mirror has registries on both sides");
    }
    if (entry.type == "image") return add_image(entry, place);
    if (entry.type == "repository") return add_repository(entry, place);
    if (entry.type == "registry") return add_registry(entry, place);
    return place.wrong(node, "has no type, which is image, repository or registry");
  }

  Result<Reference> parse(const FilledText& value, const YAML::Node& node, const Place& place) {
    auto reference = Reference::parse(value.text);
    if (reference) return *std::move(reference);
    return place.wrong(node,
                       with_detail(quoted(value) + " is no reference", value, reference.error().message));
  }

  static MirrorJob job_of(const Entry& entry) {
    MirrorJob job;
    job.platforms = entry.platforms;
    job.referrers = entry.referrers;
    job.digest_tags = entry.digest_tags;
    return job;
  }

  Result<> add_image(const Entry& entry, const Place& place) {
    DAVIT_TRY(const Reference source, parse(entry.source, entry.source_node, place.at("source")));
    DAVIT_TRY(const Reference target, parse(entry.target, entry.target_node, place.at("target")));
    const bool same = source.digest || target.digest
                          ? source.digest == target.digest && source.tag.empty() && target.tag.empty()
                          : tag_of(source) == tag_of(target);
    if (!same) {
      return place.at("target").wrong(entry.target_node, "gives the image another tag: that is not supported",
                                      "davit copy SOURCE TARGET does that");
    }
    if (!entry.tag_sets.empty()) return place.wrong(entry.source_node, "has tags, but is one image");
    MirrorJob job = job_of(entry);
    job.sources = {source.name() + (source.digest ? "@" + source.digest->to_string() : ":" + tag_of(source))};
    job.targets = {target.name()};
    out_.file.jobs.push_back(std::move(job));
    return {};
  }

  /// Either repository, without a tag.
  Result<std::string> repository(const FilledText& value, const YAML::Node& node, const Place& place) {
    DAVIT_TRY(const Reference reference, parse(value, node, place));
    if (!reference.tag.empty() || reference.digest)
      return place.wrong(node, "has a tag, but is a repository");
    return reference.name();
  }

  Result<> add_repository(const Entry& entry, const Place& place) {
    MirrorJob job = job_of(entry);
    DAVIT_TRY(job.sources.emplace_back(), repository(entry.source, entry.source_node, place.at("source")));
    DAVIT_TRY(job.targets.emplace_back(), repository(entry.target, entry.target_node, place.at("target")));
    add_for_each_set(entry, std::move(job));
    return {};
  }

  Result<> add_registry(const Entry& entry, const Place& place) {
    auto host = Reference::parse_registry(entry.source.text);
    if (!host) {
      return place.at("source").wrong(entry.source_node, with_detail(quoted(entry.source) + " is no registry",
                                                                     entry.source, host.error().message));
    }
    MirrorJob job = job_of(entry);
    job.sources = {*std::move(host)};
    FilledText target = entry.target;
    target.text += "/{repo}";
    DAVIT_TRY_VOID(check_target(target, entry.target_node, place.at("target")));
    job.targets = {target.text};
    job.include_repositories = entry.repositories.allow;
    job.exclude_repositories = entry.repositories.deny;
    add_for_each_set(entry, std::move(job));
    return {};
  }

  /// Several sets of tags add up, and so do jobs.
  void add_for_each_set(const Entry& entry, MirrorJob job) {
    if (entry.tag_sets.empty()) out_.file.jobs.push_back(job);
    for (const Lists& each : entry.tag_sets) {
      job.tags.choice = choice_of(each);
      out_.file.jobs.push_back(job);
    }
  }

  static std::string tag_of(const Reference& reference) {
    return reference.tag.empty() ? "latest" : reference.tag;
  }

  const MirrorSurroundings& surroundings_;
  ForeignNotes notes_;
  MirrorSettings& out_;
  Entry defaults_;
};

}  // namespace

Result<> read_regsync(const YAML::Node& root, const Place& place, const MirrorSurroundings& surroundings,
                      MirrorSettings& out) {
  return RegsyncReader(surroundings, out).read(root, place);
}

}  // namespace davit::config
