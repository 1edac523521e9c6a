// The manifest of an artifact: files of any kind that a registry keeps, and that may be about an image.
#include <davit/artifact.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "model/media_type.h"
#include "model/timestamp.h"

namespace davit {
namespace {

using Document = nlohmann::ordered_json;

constexpr std::string_view kEmptyType = "application/vnd.oci.empty.v1+json";

/// TYPE/SUBTYPE of RFC 6838, section 4.2.
bool is_media_type(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto is_name = [](std::string_view name) {
    return !name.empty() && name.size() <= 127 && is_alnum(name.front()) &&
           std::ranges::all_of(name, [](char c) {
             return is_alnum(c) || std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
           });
  };
  return is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

Result<> check_type(std::string_view what, const std::string& type) {
  if (is_media_type(type)) return {};
  return make_error(Errc::invalid_argument,
                    std::string(what) + " \"" + escaped(type, 120) + "\" is not a media type",
                    "it looks like application/spdx+json");
}

Document to_json(const Descriptor& descriptor) {
  Document out{{"mediaType", descriptor.media_type},
               {"digest", descriptor.digest.to_string()},
               {"size", descriptor.size}};
  if (!descriptor.annotations.empty()) out["annotations"] = descriptor.annotations;
  return out;
}

Result<> check_annotations(const std::map<std::string, std::string>& annotations) {
  for (const auto& [name, value] : annotations) {
    if (name.empty() || !is_utf8(name) || !is_utf8(value))
      return make_error(Errc::invalid_argument,
                        "the annotation \"" + escaped(name, 120) + "\" has no name, or is not text");
  }
  return {};
}

}  // namespace

Descriptor empty_json_descriptor() {
  Descriptor out;
  out.media_type = kEmptyType;
  out.digest = Digest::of(kEmptyJson);
  out.size = kEmptyJson.size();
  return out;
}

Result<Manifest> artifact_manifest(const ArtifactParts& parts) {
  if (parts.type.empty())
    return make_error(Errc::invalid_argument, "an artifact without a type",
                      "for instance application/spdx+json");
  DAVIT_TRY_VOID(check_type("the artifact type", parts.type));
  DAVIT_TRY_VOID(check_annotations(parts.annotations));
  std::set<std::string> titles;
  for (const Descriptor& layer : parts.layers) {
    DAVIT_TRY_VOID(check_type("the type of a file,", layer.media_type));
    DAVIT_TRY_VOID(check_annotations(layer.annotations));
    const auto title = layer.annotations.find(std::string(kTitleAnnotation));
    if (title != layer.annotations.end() && !titles.insert(title->second).second)
      return make_error(Errc::invalid_argument,
                        "two files would be called " + escaped(title->second, 200) + " in the artifact");
  }
  Document document{{"schemaVersion", 2},
                    {"mediaType", model::kOciManifest},
                    {"artifactType", parts.type},
                    {"config", to_json(empty_json_descriptor())},
                    {"layers", Document::array()}};
  for (const Descriptor& layer : parts.layers) document["layers"].push_back(to_json(layer));
  if (parts.layers.empty()) document["layers"].push_back(to_json(empty_json_descriptor()));
  if (parts.subject) {
    Descriptor subject = *parts.subject;
    subject.annotations.clear();
    document["subject"] = to_json(subject);
  }
  std::map<std::string, std::string> annotations = parts.annotations;
  if (parts.created) annotations.emplace(kCreatedAnnotation, model::format_timestamp(*parts.created));
  if (!annotations.empty()) document["annotations"] = annotations;
  return Manifest::parse(document.dump(), model::kOciManifest);
}

}  // namespace davit
