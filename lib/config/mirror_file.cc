#include "config/mirror_file.h"

#include <algorithm>
#include <array>

#include <yaml-cpp/yaml.h>

#include "base/error.h"
#include "base/try.h"
#include "config/mirror_dialects.h"
#include "config/yaml_document.h"

namespace davit::config {
namespace {

constexpr std::string_view kManual = "docs/mirror.md describes the file";
constexpr std::array kSkopeoKeys = {"images", "images-by-tag-regex", "images-by-semver"};

bool has_any(const YAML::Node& mapping, std::initializer_list<const char*> keys) {
  return std::ranges::any_of(keys, [&](const char* key) { return mapping[key].IsDefined(); });
}

/// Whether some value of the document is a registry as skopeo writes it.
bool is_skopeos(const YAML::Node& root) {
  for (const auto& entry : root) {
    const YAML::Node value = entry.second;
    if (!value.IsMap()) continue;
    if (std::ranges::any_of(kSkopeoKeys, [&](const char* key) { return value[key].IsDefined(); }))
      return true;
  }
  return false;
}

Result<> read(const YAML::Node& root, const std::string& file, const MirrorSurroundings& surroundings,
              MirrorSettings& out) {
  const Place plain{file, "", nullptr, kManual};
  if (!root.IsMap() || root.size() == 0) return plain.wrong(root, "has no jobs");
  const bool own = has_any(root, {"jobs", "registries"});
  if (!own && has_any(root, {"sync", "creds", "version"}))
    return read_regsync(root, plain, surroundings, out);
  if (!own && is_skopeos(root)) return read_skopeo(root, plain, out);
  return read_own(root, {file, "", &surroundings.variables, kManual}, out);
}

}  // namespace

Result<MirrorSettings> parse_mirror_file(std::string_view text, const std::string& name,
                                         const MirrorSurroundings& surroundings) {
  MirrorSettings out;
  DAVIT_TRY_VOID(read_document(
      text, name, {.bytes = kMostMirrorBytes},
      [&](const YAML::Node& root, const std::string& file) { return read(root, file, surroundings, out); }));
  return out;
}

}  // namespace davit::config
