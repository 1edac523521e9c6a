#include "content/convert.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "content/with_manifest.h"

namespace davit::content {
namespace {

using json = nlohmann::ordered_json;

constexpr int kDeepest = 8;
constexpr std::string_view kOciForeign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
constexpr std::string_view kDockerForeign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

class Converter {
 public:
  Converter(ContentSource& source, model::Format format, const CallContext& context)
      : source_(source), oci_(format == model::Format::oci), format_(format), context_(context) {}

  Result<Descriptor> convert(const Descriptor& at, int depth) {
    if (depth > kDeepest)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(kDeepest));
    DAVIT_TRY(const Manifest manifest, source_.manifest(at.digest.to_string(), context_));
    // The document has passed Manifest::parse: what is read here is there and has the right type.
    json document = json::parse(manifest.bytes());
    if (manifest.is_index()) {
      DAVIT_TRY_VOID(convert_index(manifest, document, depth));
    } else {
      DAVIT_TRY_VOID(convert_image(manifest, document));
    }
    if (document == json::parse(manifest.bytes())) return at;
    DAVIT_TRY(Manifest made, Manifest::parse(document.dump(), document["mediaType"].get<std::string>(),
                                             manifest.descriptor().digest.algorithm()));
    made_.push_back(made);
    Descriptor out = at;
    out.media_type = made.descriptor().media_type;
    out.digest = made.descriptor().digest;
    out.size = made.descriptor().size;
    return out;
  }

  std::vector<Manifest> take() { return std::move(made_); }

 private:
  Result<> convert_index(const Manifest& index, json& document, int depth) {
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const Descriptor& child = index.manifests()[i];
      if (is_attestation(child) || !model::is_manifest(model::essence(child.media_type))) continue;
      DAVIT_TRY(const Descriptor now, convert(child, depth + 1));
      json& entry = document["manifests"][i];
      entry["mediaType"] = now.media_type;
      entry["digest"] = now.digest.to_string();
      entry["size"] = now.size;
    }
    document["mediaType"] = oci_ ? model::kOciIndex : model::kDockerList;
    return {};
  }

  Result<> convert_image(const Manifest& image, json& document) {
    const std::string config = image.config() ? model::essence(image.config()->media_type) : std::string();
    if (config == model::kOciConfig || config == model::kDockerConfig) {
      document["config"]["mediaType"] = oci_ ? model::kOciConfig : model::kDockerConfig;
    } else if (!oci_) {
      return make_error(Errc::unsupported,
                        "manifest " + image.descriptor().digest.short_form() +
                            " is no container image, and Docker's format has no artifacts");
    }
    for (std::size_t i = 0; i < image.layers().size(); ++i) {
      const std::string type = model::essence(image.layers()[i].media_type);
      json& now = document["layers"][i]["mediaType"];
      if (type == kOciForeign || type == kDockerForeign) {
        now = oci_ ? kOciForeign : kDockerForeign;
      } else if (model::is_layer(type) && !model::is_foreign_layer(type)) {
        const model::Compression stored = model::compression_of(type);
        if (!oci_ && stored == model::Compression::zstd)
          return make_error(Errc::unsupported,
                            "layer " + image.layers()[i].digest.short_form() +
                                " is zstd, which Docker's manifest format has no name for");
        now = model::layer_type(format_, stored);
      } else if (!oci_) {
        return make_error(Errc::unsupported, "layer " + image.layers()[i].digest.short_form() + " is " +
                                                 escaped(type, 80) +
                                                 ", which Docker's format has no name for");
      }
    }
    document["mediaType"] = oci_ ? model::kOciManifest : model::kDockerManifest;
    return {};
  }

  ContentSource& source_;
  const bool oci_;
  const model::Format format_;
  const CallContext& context_;
  std::vector<Manifest> made_;
};

}  // namespace

Result<Converted> converted(std::shared_ptr<ContentSource> source, const Descriptor& root,
                            model::Format format, const CallContext& context) {
  Converter converter(*source, format, context);
  DAVIT_TRY(const Descriptor now, converter.convert(root, 0));
  Converted out{.source = std::move(source), .root = now};
  for (Manifest& made : converter.take()) out.source = with_manifest(std::move(out.source), std::move(made));
  return out;
}

}  // namespace davit::content
