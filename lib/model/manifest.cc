#include <davit/manifest.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "model/json_fields.h"
#include "model/media_type.h"

namespace davit {

struct Manifest::Document {
  std::string bytes;
  Descriptor descriptor;
  bool index = false;
  std::vector<Descriptor> manifests;
  std::optional<Descriptor> config;
  std::vector<Descriptor> layers;
  std::optional<Descriptor> subject;
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
};

namespace {

using nlohmann::json;

Result<Descriptor> parse_descriptor(const json& object) {
  if (!object.is_object()) return make_error(Errc::corrupt, "a descriptor that is not an object");
  DAVIT_TRY_VOID(refuse_case_variants(
      object, {"mediaType", "digest", "size", "urls", "annotations", "platform", "artifactType"}));
  Descriptor descriptor;
  DAVIT_TRY(descriptor.media_type, model::text_field(object, "mediaType"));
  DAVIT_TRY(const std::string digest, model::text_field(object, "digest"));
  DAVIT_TRY(descriptor.digest, Digest::parse(digest));
  DAVIT_TRY(descriptor.size, model::size_field(object, "size"));
  DAVIT_TRY(descriptor.urls, model::text_list_field(object, "urls"));
  DAVIT_TRY(descriptor.annotations, model::text_map_field(object, "annotations"));
  DAVIT_TRY(descriptor.artifact_type, model::text_field(object, "artifactType"));
  if (const auto platform = object.find("platform"); platform != object.end() && !platform->is_null()) {
    if (!platform->is_object()) return make_error(Errc::corrupt, "platform is not an object");
    DAVIT_TRY(descriptor.platform, model::platform_fields(*platform));
  }
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const json& document, const char* name) {
  std::vector<Descriptor> out;
  const auto found = document.find(name);
  if (found == document.end() || found->is_null()) return out;
  if (!found->is_array()) return make_error(Errc::corrupt, std::string(name) + " is not a list");
  for (const json& item : *found) {
    auto descriptor = parse_descriptor(item);
    if (!descriptor)
      return descriptor.error().with_context(std::string(name) + "[" + std::to_string(out.size()) + "]");
    out.push_back(*std::move(descriptor));
  }
  return out;
}

Result<std::optional<Descriptor>> parse_optional(const json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end() || found->is_null()) return std::optional<Descriptor>();
  auto descriptor = parse_descriptor(*found);
  if (!descriptor) return descriptor.error().with_context(name);
  return std::optional(*std::move(descriptor));
}

bool has(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && !found->is_null();
}

/// The type of the document, from what it says, what the transport said and, last, its shape.
Result<std::string> settle_type(const json& document, std::string_view transport, bool index) {
  DAVIT_TRY(const std::string written, model::text_field(document, "mediaType"));
  const std::string inside = model::essence(written);
  const std::string outside = model::essence(transport);
  if (model::is_manifest(inside) && model::is_manifest(outside) && inside != outside) {
    return make_error(Errc::corrupt,
                      "a manifest that calls itself " + inside + " but was served as " + outside);
  }
  const std::string named = model::is_manifest(outside) || inside.empty() ? outside : inside;
  if (model::is_manifest(named) && model::is_index(named) != index) {
    return make_error(Errc::corrupt,
                      named + " with the content of an " + (index ? "index" : "image manifest"));
  }
  if (model::is_manifest(named)) return named;
  if (!inside.empty()) return make_error(Errc::unsupported, "manifest type " + escaped(inside, 80));
  return std::string(index ? model::kOciIndex : model::kOciManifest);
}

}  // namespace

Manifest::Manifest(std::shared_ptr<const Document> document) : document_(std::move(document)) {}

Result<Manifest> Manifest::parse(std::string bytes, std::string_view media_type,
                                 Digest::Algorithm algorithm) {
  if (bytes.size() > kMaxSize) return make_error(Errc::corrupt, "a manifest of more than 8 MiB");
  DAVIT_TRY(const json document, parse_json(bytes, {.bytes = kMaxSize}));
  if (!document.is_object()) return make_error(Errc::corrupt, "a manifest that is not a JSON object");
  DAVIT_TRY_VOID(
      refuse_case_variants(document, {"schemaVersion", "mediaType", "manifests", "config", "layers",
                                      "subject", "artifactType", "annotations", "fsLayers"}));
  const auto version = document.find("schemaVersion");
  const bool schema1 = version != document.end() && version->is_number() && version->get<double>() == 1;
  if (model::is_schema1(model::essence(media_type)) || schema1 || has(document, "fsLayers")) {
    if (has(document, "layers") || has(document, "manifests")) {
      return make_error(Errc::corrupt, "a manifest with the shapes of schema 1 and schema 2 at once");
    }
    return make_error(Errc::unsupported, "a Docker schema 1 manifest",
                      "pull and push the image once with a current Docker to convert it");
  }
  if (version == document.end() || !version->is_number_integer() || version->get<double>() != 2) {
    return make_error(Errc::corrupt, "a document without schemaVersion 2, so not a manifest");
  }
  const bool index = has(document, "manifests");
  if (index && (has(document, "layers") || has(document, "config"))) {
    return make_error(Errc::corrupt, "a manifest with the shapes of an index and an image at once");
  }
  if (!index && !has(document, "config") && !has(document, "layers")) {
    DAVIT_TRY(const std::string inside, model::text_field(document, "mediaType"));
    const bool empty_index =
        model::is_index(model::essence(inside)) || model::is_index(model::essence(media_type));
    if (!empty_index) return make_error(Errc::corrupt, "a manifest without config, layers or manifests");
  }

  auto out = std::make_shared<Document>();
  out->index = index || !has(document, "config");
  if (!index && has(document, "layers")) out->index = false;
  DAVIT_TRY(out->manifests, parse_descriptors(document, "manifests"));
  DAVIT_TRY(out->layers, parse_descriptors(document, "layers"));
  DAVIT_TRY(out->config, parse_optional(document, "config"));
  DAVIT_TRY(out->subject, parse_optional(document, "subject"));
  DAVIT_TRY(out->artifact_type, model::text_field(document, "artifactType"));
  DAVIT_TRY(out->annotations, model::text_map_field(document, "annotations"));
  if (!out->index && !out->config) return make_error(Errc::corrupt, "an image manifest without a config");
  DAVIT_TRY(out->descriptor.media_type, settle_type(document, media_type, out->index));
  out->descriptor.digest = Digest::of(bytes, algorithm);
  out->descriptor.size = bytes.size();
  out->bytes = std::move(bytes);
  return Manifest(std::move(out));
}

const Descriptor& Manifest::descriptor() const {
  return document_->descriptor;
}
const std::string& Manifest::bytes() const {
  return document_->bytes;
}
bool Manifest::is_index() const {
  return document_->index;
}
const std::vector<Descriptor>& Manifest::manifests() const {
  return document_->manifests;
}
const std::optional<Descriptor>& Manifest::config() const {
  return document_->config;
}
const std::vector<Descriptor>& Manifest::layers() const {
  return document_->layers;
}
const std::optional<Descriptor>& Manifest::subject() const {
  return document_->subject;
}
const std::string& Manifest::artifact_type() const {
  return document_->artifact_type;
}
const std::map<std::string, std::string>& Manifest::annotations() const {
  return document_->annotations;
}

std::vector<Descriptor> Manifest::children() const {
  std::vector<Descriptor> out;
  std::set<Digest> seen;
  const auto add = [&](const Descriptor& child) {
    if (seen.insert(child.digest).second) out.push_back(child);
  };
  std::ranges::for_each(document_->manifests, add);
  if (document_->config) add(*document_->config);
  std::ranges::for_each(document_->layers, add);
  return out;
}

}  // namespace davit
