#include "content/convert.h"

#include <map>
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
constexpr std::size_t kMostManifests = 10'000;
constexpr std::uint64_t kMostBytes = 64u << 20;
constexpr std::string_view kOciForeign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
constexpr std::string_view kDockerForeign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

class Converter {
 public:
  Converter(ContentSource& source, model::Format format, const CallContext& context)
      : source_(source), oci_(format == model::Format::oci), format_(format), context_(context) {}

  Result<Descriptor> convert(const Descriptor& at, int depth) {
    if (depth > kDeepest)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(kDeepest));
    if (const auto known = now_.find(at.digest); known != now_.end())
      return under_its_new_name(at, known->second);
    DAVIT_TRY(const Manifest manifest, source_.manifest(at.digest.to_string(), context_));
    bytes_ += manifest.bytes().size();
    if (now_.size() >= kMostManifests || bytes_ > kMostBytes)
      return make_error(Errc::corrupt, "more manifests under one root than can be converted");
    // The document has passed Manifest::parse: what is read here is there and has the right type.
    json document = json::parse(manifest.bytes());
    if (manifest.is_index()) {
      DAVIT_TRY_VOID(convert_index(manifest, document, depth));
    } else {
      DAVIT_TRY_VOID(convert_image(manifest, document));
    }
    if (document == json::parse(manifest.bytes())) {
      now_.emplace(at.digest, manifest.descriptor());
      return at;
    }
    DAVIT_TRY(Manifest made, Manifest::parse(document.dump(), document["mediaType"].get<std::string>(),
                                             manifest.descriptor().digest.algorithm()));
    now_.emplace(at.digest, made.descriptor());
    Descriptor out = under_its_new_name(at, made.descriptor());
    made_.push_back(std::move(made));
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
    for (std::size_t i = 0; i < index.manifests().size(); ++i) {
      const auto about = Digest::parse(attested_image(index.manifests()[i]));
      const auto now = about ? now_.find(*about) : now_.end();
      if (now != now_.end())
        document["manifests"][i]["annotations"]["vnd.docker.reference.digest"] =
            now->second.digest.to_string();
    }
    name_type(index, document, oci_ ? model::kOciIndex : model::kDockerList);
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
    name_type(image, document, oci_ ? model::kOciManifest : model::kDockerManifest);
    return {};
  }

  /// The type may be left out of an OCI document, and then it stays out.
  static void name_type(const Manifest& manifest, json& document, std::string_view type) {
    if (model::essence(manifest.descriptor().media_type) != type) document["mediaType"] = type;
  }

  static Descriptor under_its_new_name(const Descriptor& at, const Descriptor& now) {
    Descriptor out = at;
    out.media_type = now.media_type;
    out.digest = now.digest;
    out.size = now.size;
    return out;
  }

  ContentSource& source_;
  const bool oci_;
  const model::Format format_;
  const CallContext& context_;
  std::vector<Manifest> made_;
  std::map<Digest, Descriptor> now_;  ///< what became of each manifest
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Converted> converted(std::shared_ptr<ContentSource> source, const Descriptor& root,
                            model::Format format, const CallContext& context) {
  Converter converter(*source, format, context);
  DAVIT_TRY(const Descriptor now, converter.convert(root, 0));
  return Converted{.source = with_manifests(std::move(source), converter.take()), .root = now};
}

}  // namespace davit::content
