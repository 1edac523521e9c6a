#include "emulator/ecr/manifest_rules.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "emulator/ecr/refusal.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw invalid_parameter("ImageManifest", reason);
}
constexpr const char* kSyntax = "Invalid JSON syntax";

bool has_parameters(const Descriptor& descriptor) {
  return descriptor.media_type.find(';') != std::string::npos;
}

/// What the schema of ECR does not know, though the specification does.
bool has_unknown_fields(const nlohmann::json& document) {
  const auto manifests = document.find("manifests");
  if (manifests == document.end() || !manifests->is_array()) return false;
  return std::ranges::any_of(*manifests, [](const nlohmann::json& child) {
    return child.contains("platform") && child["platform"].contains("features");
  });
}

}  // namespace

Manifest accepted_manifest(std::string bytes, std::string_view media_type, const Modes& modes) {
  if (bytes.empty() || bytes.size() > kManifestLimit) {
    refuse("Member must have length less than or equal to " + std::to_string(kManifestLimit));
  }
  const auto document = parse_json(bytes);
  if (!document || !document->is_object() || has_unknown_fields(*document)) refuse(kSyntax);
  if (!media_type.empty() && !model::is_manifest(model::essence(media_type))) refuse(kSyntax);
  const auto manifest = Manifest::parse(std::move(bytes), media_type);
  if (!manifest) refuse(kSyntax);
  const auto children = manifest->children();
  if (std::ranges::any_of(children, has_parameters)) refuse(kSyntax);
  if (!manifest->is_index()) {
    if (manifest->layers().empty() && modes.is("empty-image", "refuse")) {
      refuse("Image has to have at least 1 layer");
    }
    if (manifest->layers().size() > modes.number("max-layers")) {
      refuse("Limit on number of layers per image exceeded");
    }
  }
  return *manifest;
}

}  // namespace davit::emulator
