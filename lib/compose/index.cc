#include "compose/index.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "model/json_rewrite.h"
#include "model/write_manifest.h"

namespace davit::compose {
namespace {

using json = nlohmann::ordered_json;

bool is_docker(const Manifest& index) {
  return model::essence(index.descriptor().media_type) == model::kDockerList;
}

Error no_annotations() {
  return make_error(Errc::invalid_argument, "Docker's manifest lists have no annotations",
                    "leave out --docker, or the annotations");
}

/// What Manifest::parse accepts is what others can read.
Result<Manifest> finished(std::string document, std::string_view media_type, Digest::Algorithm algorithm) {
  if (document.size() > Manifest::kMaxSize)
    return make_error(Errc::unsupported, "more entries than an index of 8 MiB holds");
  return Manifest::parse(std::move(document), media_type, algorithm);
}

std::string list_of(std::span<const Descriptor> entries) {
  std::string out;
  for (const Descriptor& entry : entries) {
    if (content::is_attestation(entry)) continue;
    out += (out.empty() ? "" : ", ") + content::name_platform(entry);
  }
  return out.empty() ? "nothing" : out;
}

/// JSON has no other text.
Result<> check_text(const std::string& key, const std::string& value) {
  if (is_utf8(key) && is_utf8(value)) return {};
  return make_error(Errc::invalid_argument, "the annotation " + escaped(key, 100) + " is no UTF-8");
}

Result<> check_text(const Annotations& annotations) {
  for (const auto& [key, value] : annotations) DAVIT_TRY_VOID(check_text(key, value.value_or("")));
  return {};
}

void annotate(json& object, const Annotations& annotations) {
  if (annotations.empty()) return;
  json& all = object["annotations"];
  if (!all.is_object()) all = json::object();
  for (const auto& [key, value] : annotations) {
    if (value) {
      all[key] = *value;
    } else {
      all.erase(key);
    }
  }
  if (all.empty()) object.erase("annotations");
}

/// Attestations about any of `chosen` belong to it.
void add_attestations(std::span<const Descriptor> entries, std::set<std::size_t>& chosen) {
  std::set<std::string> images;
  for (const std::size_t position : chosen) images.insert(entries[position].digest.to_string());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (content::is_attestation(entries[i]) && images.contains(content::attested_image(entries[i])))
      chosen.insert(i);
  }
}

std::string text_of(const Candidate& candidate) {
  return candidate.text.empty() ? model::entry_json(candidate.entry).dump() : candidate.text;
}

Result<> check_text(std::span<const Candidate> entries) {
  for (const Candidate& each : entries) {
    for (const auto& [key, value] : each.entry.annotations) DAVIT_TRY_VOID(check_text(key, value));
  }
  return {};
}

/// What it was taken from, and its digest where that says something to people.
std::string called(const Candidate& candidate) {
  if (candidate.made) return candidate.from;
  return candidate.from + " (" + candidate.entry.digest.short_form() + ")";
}

bool same_platform(const std::optional<Platform>& a, const std::optional<Platform>& b) {
  return a && b ? a->normalized() == b->normalized() : a.has_value() == b.has_value();
}

}  // namespace

Result<> describe(Candidate& candidate, const Annotations& annotations,
                  const std::optional<Platform>& platform) {
  DAVIT_TRY_VOID(check_text(annotations));
  for (const auto& [key, value] : annotations) {
    candidate.entry.annotations.erase(key);
    if (value) candidate.entry.annotations[key] = *value;
  }
  if (platform) candidate.entry.platform = platform;
  if (candidate.text.empty()) return {};
  // It is part of a document that has passed Manifest::parse, so nothing in here can throw.
  json entry = json::parse(candidate.text);
  annotate(entry, annotations);
  if (platform) entry["platform"] = model::platform_json(*platform);
  candidate.text = model::rewritten_json(candidate.text, entry);
  return {};
}

Result<std::vector<Candidate>> choose_entries(std::span<const Candidate> candidates,
                                              std::span<const Platform> wanted) {
  std::vector<Candidate> entries;
  std::map<std::string, const Candidate*> platforms;
  for (const Candidate& candidate : candidates) {
    const Descriptor& entry = candidate.entry;
    const auto again = std::ranges::find_if(entries, [&](const Candidate& other) {
      return other.entry.digest == entry.digest && same_platform(other.entry.platform, entry.platform);
    });
    if (again != entries.end()) {
      if (!again->text.empty() || !candidate.text.empty()) continue;  // listed by an index as well
      const bool known = !again->made || !candidate.made;
      return make_error(Errc::invalid_argument,
                        again->from + " and " + candidate.from + " are the same image" +
                            (known ? ", " + entry.digest.short_form() : ""),
                        "leave one of them out");
    }
    if (!content::is_attestation(entry)) {
      if (!entry.platform || entry.platform->architecture.empty())
        return make_error(Errc::invalid_argument, candidate.from + " does not say which platform it is for",
                          candidate.written.empty()
                              ? "name the image by itself: SRC@DIGEST,platform=OS/ARCH"
                              : "write it as " + escaped(candidate.written, 300) + ",platform=OS/ARCH");
      // Windows has an image for each of its versions.
      const Platform normal = entry.platform->normalized();
      std::string features;
      for (const std::string& feature : normal.os_features) features += " " + feature;
      const auto [first, fresh] = platforms.emplace(normal.to_string() + features, &candidate);
      if (!fresh)
        return make_error(Errc::invalid_argument,
                          "two images for " + normal.to_string() + ": " + called(*first->second) + " and " +
                              called(candidate),
                          "leave one of them out, or give it another platform: SRC,platform=OS/ARCH/VARIANT");
    }
    entries.push_back(candidate);
  }
  if (wanted.empty()) return entries;
  std::vector<Descriptor> descriptors;
  descriptors.reserve(entries.size());
  for (const Candidate& each : entries) descriptors.push_back(each.entry);
  std::set<std::size_t> chosen;
  for (const Platform& one : wanted) {
    bool found = false;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Descriptor& entry = entries[i].entry;
      if (content::is_attestation(entry) || !entry.platform->normalized().satisfies(one.normalized()))
        continue;
      chosen.insert(i);
      found = true;
    }
    if (!found)
      return make_error(Errc::not_found, "no image for " + one.to_string(),
                        "there is " + list_of(descriptors))
          .on(Side::source);
  }
  add_attestations(descriptors, chosen);
  std::vector<Candidate> out;
  out.reserve(chosen.size());
  for (const std::size_t position : chosen) out.push_back(entries[position]);
  return out;
}

Result<Manifest> new_index(model::Format format, std::span<const Candidate> entries,
                           const std::map<std::string, std::string>& annotations) {
  if (format == model::Format::docker && !annotations.empty()) return no_annotations();
  for (const auto& [key, value] : annotations) DAVIT_TRY_VOID(check_text(key, value));
  DAVIT_TRY_VOID(check_text(entries));
  std::vector<std::string> texts;
  for (const Candidate& each : entries) texts.push_back(text_of(each));
  return finished(model::with_elements(model::index_manifest(format, {}, annotations), "manifests", texts),
                  {}, Digest::Algorithm::sha256);
}

Result<Manifest> changed_index(const Manifest& index, const IndexChanges& changes) {
  if (is_docker(index) && (!changes.annotations.empty() || !changes.entry_annotations.empty()))
    return no_annotations();
  DAVIT_TRY_VOID(check_text(changes.annotations));
  for (const auto& [position, annotations] : changes.entry_annotations)
    DAVIT_TRY_VOID(check_text(annotations));
  DAVIT_TRY_VOID(check_text(changes.added));
  // The document has passed Manifest::parse, so nothing in here can throw.
  json document = json::parse(index.bytes());
  json entries = json::array();
  for (std::size_t i = 0; i < index.manifests().size(); ++i) {
    if (changes.removed.contains(i)) continue;
    json entry = document["manifests"][i];
    if (const auto found = changes.entry_annotations.find(i); found != changes.entry_annotations.end())
      annotate(entry, found->second);
    if (const auto found = changes.entry_platforms.find(i);
        found != changes.entry_platforms.end() && index.manifests()[i].platform != found->second)
      entry["platform"] = model::platform_json(found->second);
    entries.push_back(std::move(entry));
  }
  document["manifests"] = std::move(entries);
  annotate(document, changes.annotations);
  std::vector<std::string> added;
  for (const Candidate& each : changes.added) added.push_back(text_of(each));
  std::string text = model::with_elements(model::rewritten_json(index.bytes(), document), "manifests", added);
  if (text == index.bytes()) return index;
  return finished(std::move(text), index.descriptor().media_type, index.descriptor().digest.algorithm());
}

void remove_entry(const Manifest& index, std::size_t position, std::set<std::size_t>& removed) {
  const std::vector<Descriptor>& entries = index.manifests();
  removed.insert(position);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!removed.contains(i) && entries[i].digest == entries[position].digest) return;
  }
  std::set<std::size_t> with = {position};
  add_attestations(entries, with);
  removed.merge(with);
}

Result<std::set<std::size_t>> find_entries(const Manifest& index, std::string_view selector) {
  const std::vector<Descriptor>& entries = index.manifests();
  const auto digest = Digest::parse(selector);
  std::optional<Platform> platform;
  if (!digest) {
    DAVIT_TRY(platform, Platform::parse(selector));
  }
  std::set<std::size_t> found;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Descriptor& entry = entries[i];
    const bool named = digest ? entry.digest == *digest
                              : entry.platform && !content::is_attestation(entry) &&
                                    entry.platform->normalized().satisfies(platform->normalized());
    if (named) found.insert(i);
  }
  if (found.empty()) {
    const bool nested = std::ranges::any_of(
        entries, [](const Descriptor& entry) { return model::is_index(model::essence(entry.media_type)); });
    return make_error(Errc::not_found, "the index lists no " + escaped(selector, 200),
                      "it lists " + list_of(entries) +
                          (nested ? "; an index is among them, and what that lists is not looked at: davit "
                                    "index create DST INDEX makes one that lists it all"
                                  : ""));
  }
  add_attestations(entries, found);
  return found;
}

}  // namespace davit::compose
