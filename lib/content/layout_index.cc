#include "content/layout_index.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "content/referrer_entry.h"
#include "model/json_rewrite.h"
#include "model/media_type.h"
#include "model/write_manifest.h"

namespace davit::content {
namespace {

using Document = nlohmann::ordered_json;  // members keep their order

/// For editing. What Manifest::parse has accepted cannot make the JSON library throw any more.
Result<Document> editable(std::string_view index) {
  DAVIT_TRY(const Manifest parsed, Manifest::parse(std::string(index), model::kOciIndex));
  if (!parsed.is_index()) return make_error(Errc::corrupt, "not an index");
  Document document = Document::parse(index);
  if (document["manifests"].is_null()) document["manifests"] = Document::array();
  return document;
}

/// As text, if that is still something a reader accepts; what was not touched keeps its bytes.
Result<std::string> finished(std::string_view before, const Document& document) {
  std::string text = model::rewritten_json(before, document);
  if (text.size() > Manifest::kMaxSize)
    return make_error(Errc::unsupported, "more entries than an index of 8 MiB holds");
  return text;
}

std::optional<std::string> name_of(const Document& entry) {
  const auto annotations = entry.find("annotations");
  if (annotations == entry.end() || !annotations->is_object()) return std::nullopt;
  const auto name = annotations->find(std::string(kRefName));
  if (name == annotations->end() || !name->is_string()) return std::nullopt;
  return name->get<std::string>();
}

/// Puts `entry` where the name was, or at the end. Whether anything had to change.
bool put_named(Document& list, const std::string& name, const Document& entry) {
  bool there = false;
  bool changed = false;
  Document out = Document::array();
  for (Document& old : list) {
    if (name_of(old) != name) {
      out.push_back(std::move(old));
    } else if (there) {
      changed = true;
    } else {
      there = true;
      const bool same = old["digest"] == entry["digest"] && old["mediaType"] == entry["mediaType"] &&
                        old["size"] == entry["size"];
      changed |= !same;
      out.push_back(same ? old : entry);
    }
  }
  if (!there) out.push_back(entry);
  list = std::move(out);
  return changed || !there;
}

}  // namespace

Descriptor index_entry(const Manifest& manifest) {
  Descriptor entry = manifest.descriptor();
  entry.artifact_type = manifest.artifact_type();
  return entry;
}

Result<std::string> with_names(std::string_view index, const Descriptor& root,
                               std::span<const std::string> names) {
  DAVIT_TRY(Document document, editable(index));
  bool changed = false;
  for (const std::string& name : names) {
    if (name.empty() || !is_utf8(name))
      return make_error(Errc::invalid_argument, "\"" + escaped(name, 120) + "\" cannot name an image");
    Descriptor entry = root;
    entry.annotations[std::string(kRefName)] = name;
    changed |= put_named(document["manifests"], name, model::entry_json(entry));
  }
  if (!changed) return std::string(index);
  return finished(index, document);
}

Result<> refuse_moved(std::string_view index, const std::string& name, const Digest& before,
                      const Digest& wanted) {
  DAVIT_TRY(const Manifest listed, Manifest::parse(std::string(index), model::kOciIndex));
  const Descriptor* now = nullptr;
  bool there = false;
  for (const Descriptor& entry : listed.manifests()) {
    there |= entry.digest == before;
    const auto called = entry.annotations.find(std::string(kRefName));
    if (called != entry.annotations.end() && called->second == name) now = &entry;
  }
  if (now != nullptr ? now->digest == before || now->digest == wanted : there) return {};
  const std::string shown = "\"" + escaped(name, 120) + "\"";
  Error error =
      make_error(Errc::conflict, now == nullptr ? "the tag " + shown + " was taken away meanwhile"
                                                : "the tag " + shown + " was moved meanwhile, from " +
                                                      before.to_string() + " to " + now->digest.to_string());
  error.retryable = true;  // on top of what is there now
  return error;
}

Result<std::string> with_unnamed(std::string_view index, std::span<const Descriptor> roots) {
  DAVIT_TRY(Document document, editable(index));
  Document& list = document["manifests"];
  bool changed = false;
  for (const Descriptor& root : roots) {
    const std::string digest = root.digest.to_string();
    const bool listed =
        std::ranges::any_of(list, [&](const Document& entry) { return entry["digest"] == digest; });
    if (listed) continue;
    list.push_back(model::entry_json(root));
    changed = true;
  }
  if (!changed) return std::string(index);
  return finished(index, document);
}

Result<std::string> without(std::string_view index, const Digest& digest) {
  DAVIT_TRY(Document document, editable(index));
  const std::string text = digest.to_string();
  Document left = Document::array();
  for (Document& entry : document["manifests"]) {
    if (entry["digest"] != text) left.push_back(std::move(entry));
  }
  document["manifests"] = std::move(left);
  return finished(index, document);
}

Result<std::string> without_name(std::string_view index, const std::string& name) {
  DAVIT_TRY(Document document, editable(index));
  Document left = Document::array();
  for (Document& entry : document["manifests"]) {
    if (name_of(entry) != name) left.push_back(std::move(entry));
  }
  if (left.size() == document["manifests"].size())
    return make_error(Errc::not_found, "there is no tag \"" + escaped(name, 120) + "\"");
  document["manifests"] = std::move(left);
  return finished(index, document);
}

void PutManifests::add(const Manifest& manifest, std::span<const std::string> names) {
  const Descriptor& own = manifest.descriptor();
  if (names.empty()) {
    Descriptor entry = index_entry(manifest);
    // So that whoever reads the list alone sees that this belongs to another image, as in a list of
    // referrers.
    if (manifest.subject() && entry.artifact_type.empty())
      entry.artifact_type = referrer_entry(manifest).artifact_type;
    unnamed_.emplace(own.digest, std::move(entry));
  } else {
    reached_.insert(own.digest);
  }
  for (const Descriptor& child : manifest.manifests()) reached_.insert(child.digest);
}

std::vector<Descriptor> PutManifests::unnamed_roots() const {
  std::vector<Descriptor> out;
  for (const auto& [digest, entry] : unnamed_) {
    if (!reached_.contains(digest)) out.push_back(entry);
  }
  return out;
}

}  // namespace davit::content
