#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <davit/descriptor.h>
#include <davit/export.h>
#include <davit/manifest.h>
#include <davit/platform.h>
#include <davit/result.h>

namespace davit {

/// The annotation that holds a file's name in an artifact (OCI image specification, "Pre-Defined Annotation
/// Keys").
inline constexpr std::string_view kTitleAnnotation = "org.opencontainers.image.title";
inline constexpr std::string_view kCreatedAnnotation = "org.opencontainers.image.created";

/// What an artifact is made of.
struct ArtifactParts {
  std::string type;  ///< "application/spdx+json"
  std::vector<Descriptor>
      layers;  ///< files, each with its media type; with kTitleAnnotation where it has a name
  std::map<std::string, std::string> annotations = {};
  std::optional<Descriptor> subject = {};                ///< what it is about
  std::optional<std::chrono::sys_seconds> created = {};  ///< an annotation, unless `annotations` has it
};

/// The manifest of an artifact as the OCI image specification 1.1 wants it ("Guidelines for Artifact Usage"):
/// an image manifest with `artifactType` and the empty config, and where there is no layer the empty blob as
/// one. The same parts give the same bytes. Pure: nothing is read or sent. Errors: invalid_argument for types
/// that are none, and for two files with one name.
DAVIT_EXPORT Result<Manifest> artifact_manifest(const ArtifactParts& parts);

/// "{}", which the config of such a manifest names, and its descriptor.
inline constexpr std::string_view kEmptyJson = "{}";
DAVIT_EXPORT Descriptor empty_json_descriptor();

/// A file that is to be attached to an image.
struct AttachedFile {
  std::string path;
  std::string media_type = {};  ///< empty: application/octet-stream
  std::string title = {};       ///< empty: the path, without what leads out of this folder

  /// FILE[:MEDIA/TYPE], as `oras attach` spells it. A file of the whole name wins. Looks whether there is
  /// one.
  static DAVIT_EXPORT AttachedFile parse(std::string_view text);
};

struct AttachOptions {
  std::string artifact_type;
  std::map<std::string, std::string> annotations = {};
  std::optional<std::chrono::sys_seconds> created = {};  ///< see ArtifactParts
  std::optional<Platform> platform = {};                 ///< of an index: attach to the manifest for this one
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

}  // namespace davit
