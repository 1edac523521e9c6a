#include "content/rewrite.h"

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "model/json_rewrite.h"

namespace davit::content {
namespace {

using json = nlohmann::ordered_json;
using model::Compression;
using model::Format;

constexpr std::string_view kOciForeign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
constexpr std::string_view kDockerForeign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

Format format_of(const Manifest& manifest) {
  const std::string type = model::essence(manifest.descriptor().media_type);
  return type == model::kDockerManifest || type == model::kDockerList ? Format::docker : Format::oci;
}

std::string_view manifest_type(Format format) {
  return format == Format::oci ? model::kOciManifest : model::kDockerManifest;
}

std::string_view index_type(Format format) {
  return format == Format::oci ? model::kOciIndex : model::kDockerList;
}

/// The type may be left out of an OCI document, and then it stays out.
void name_type(const Manifest& manifest, json& document, std::string_view type) {
  if (model::essence(manifest.descriptor().media_type) != type) document["mediaType"] = type;
}

Error no_name_for(const Descriptor& layer, const std::string& what) {
  return make_error(Errc::unsupported, "layer " + layer.digest.short_form() + " is " + what +
                                           ", which Docker's manifest format has no name for");
}

/// The same layer under the names of `format`.
Result<> rename_layer(const Descriptor& layer, Format format, json& entry) {
  const std::string type = model::essence(layer.media_type);
  if (type == kOciForeign || type == kDockerForeign) {
    entry["mediaType"] = format == Format::oci ? kOciForeign : kDockerForeign;
  } else if (model::is_layer(type) && !model::is_foreign_layer(type)) {
    const Compression stored = model::compression_of(type);
    if (format == Format::docker && stored == Compression::zstd) return no_name_for(layer, "zstd");
    entry["mediaType"] = model::layer_type(format, stored);
  } else if (format == Format::docker) {
    return no_name_for(layer, escaped(type, 80));
  }
  return {};
}

/// Annotations that say where in a layer's compressed bytes something begins.
bool is_about_bytes(std::string_view annotation) {
  return annotation.starts_with("io.github.containers.zstd-chunked.") ||
         annotation.starts_with("containerd.io/snapshot/stargz/");
}

void forget_old_bytes(json& entry) {
  entry.erase("urls");
  entry.erase("data");
  const auto annotations = entry.find("annotations");
  if (annotations == entry.end() || !annotations->is_object()) return;
  for (auto each = annotations->begin(); each != annotations->end();)
    each = is_about_bytes(each.key()) ? annotations->erase(each) : std::next(each);
  if (annotations->empty()) entry.erase("annotations");
}

Result<> replace_layer(const Descriptor& layer, const NewLayer& now, Format format, json& entry) {
  if (format == Format::docker && now.compression == Compression::zstd) return no_name_for(layer, "zstd");
  entry["mediaType"] = model::layer_type(format, now.compression);
  entry["digest"] = now.digest.to_string();
  entry["size"] = now.size;
  forget_old_bytes(entry);
  return {};
}

Result<Format> rewrite_image(const Manifest& image, std::span<const std::optional<NewLayer>> layers,
                             std::optional<Format> wanted, json& document) {
  const auto replaced = [&](std::size_t i) {
    return i < layers.size() && layers[i] && layers[i]->digest != image.layers()[i].digest;
  };
  Format format = wanted.value_or(format_of(image));
  for (std::size_t i = 0; i < image.layers().size() && !wanted; ++i) {
    if (replaced(i) && layers[i]->compression == Compression::zstd) format = Format::oci;
  }
  const bool renamed = wanted || format != format_of(image);
  const bool container = image.config() && model::is_image_config(model::essence(image.config()->media_type));
  if (renamed && container) {
    document["config"]["mediaType"] = format == Format::oci ? model::kOciConfig : model::kDockerConfig;
  } else if (renamed && format == Format::docker) {
    return make_error(Errc::unsupported, "manifest " + image.descriptor().digest.short_form() +
                                             " is no container image, and Docker's format has no artifacts");
  }
  for (std::size_t i = 0; i < image.layers().size(); ++i) {
    const Descriptor& layer = image.layers()[i];
    if (replaced(i)) {
      DAVIT_TRY_VOID(replace_layer(layer, *layers[i], format, document["layers"][i]));
    } else if (renamed) {
      DAVIT_TRY_VOID(rename_layer(layer, format, document["layers"][i]));
    }
  }
  name_type(image, document, manifest_type(format));
  return format;
}

json platform_entry(const Platform& platform) {
  json out{{"architecture", platform.architecture}, {"os", platform.os}};
  if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
  if (!platform.os_features.empty()) out["os.features"] = platform.os_features;
  if (!platform.variant.empty()) out["variant"] = platform.variant;
  return out;
}

Format rewrite_index(const Manifest& index, const std::map<Digest, Descriptor>& now,
                     std::optional<Format> wanted, json& document) {
  Format format = wanted.value_or(format_of(index));
  for (std::size_t i = 0; i < index.manifests().size(); ++i) {
    const Descriptor& child = index.manifests()[i];
    json& entry = document["manifests"][i];
    if (const auto about = Digest::parse(attested_image(child)); about && now.contains(*about))
      entry["annotations"]["vnd.docker.reference.digest"] = now.at(*about).digest.to_string();
    const auto found = now.find(child.digest);
    if (is_attestation(child) || found == now.end() || found->second.digest == child.digest) continue;
    entry["mediaType"] = found->second.media_type;
    entry["digest"] = found->second.digest.to_string();
    entry["size"] = found->second.size;
    entry.erase("data");
    if (found->second.platform) entry["platform"] = platform_entry(*found->second.platform);
    const std::string type = model::essence(found->second.media_type);
    if (!wanted && (type == model::kOciManifest || type == model::kOciIndex)) format = Format::oci;
  }
  name_type(index, document, index_type(format));
  return format;
}

}  // namespace

Result<Manifest> Rewriter::rewrite(const Manifest& manifest,
                                   std::span<const std::optional<NewLayer>> layers) {
  // The document has passed Manifest::parse: what is read here is there and has the right type.
  const json before = json::parse(manifest.bytes());
  json document = before;
  std::string_view type;
  if (manifest.is_index()) {
    type = index_type(rewrite_index(manifest, now_, format_, document));
  } else {
    DAVIT_TRY(const Format format, rewrite_image(manifest, layers, format_, document));
    type = manifest_type(format);
  }
  if (document == before) {
    now_.emplace(manifest.descriptor().digest, manifest.descriptor());
    return manifest;
  }
  DAVIT_TRY(Manifest out, Manifest::parse(model::rewritten_json(manifest.bytes(), document), type,
                                          manifest.descriptor().digest.algorithm()));
  now_.emplace(manifest.descriptor().digest, out.descriptor());
  return out;
}

std::set<Digest> attestations_among(std::span<const Manifest> manifests) {
  std::set<Digest> out;
  for (const Manifest& manifest : manifests) {
    for (const Descriptor& entry : manifest.manifests()) {
      if (is_attestation(entry)) out.insert(entry.digest);
    }
  }
  return out;
}

}  // namespace davit::content
