#pragma once

#include <string>
#include <string_view>

namespace davit::model {

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerSchema1 = "application/vnd.docker.distribution.manifest.v1+json";
inline constexpr std::string_view kDockerSchema1Signed =
    "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// How a layer's bytes are stored.
enum class Compression { none, gzip, zstd };

/// "none", "gzip", "zstd".
std::string_view to_string(Compression compression);

/// The type alone: parameters after `;` and surrounding space cut off, lower case.
std::string essence(std::string_view media_type);

bool is_manifest(std::string_view media_type);  ///< image manifest or index, OCI or Docker
bool is_index(std::string_view media_type);
bool is_schema1(std::string_view media_type);
/// The configuration of a container image; a manifest with another one is an artifact's.
bool is_image_config(std::string_view media_type);
/// Layers that a registry does not have to hold ("nondistributable", "foreign").
bool is_foreign_layer(std::string_view media_type);
/// A filesystem layer with uncompressed tar bytes.
bool is_plain_layer(std::string_view media_type);
/// A filesystem layer of a container image, of whatever compression. Anything else is carried unchanged.
bool is_layer(std::string_view media_type);
/// The compression that a layer's media type states.
Compression compression_of(std::string_view media_type);

enum class Format { docker, oci };
/// The media type of a filesystem layer. REQUIRES: not zstd in Docker's format, which has no name for it.
std::string layer_type(Format format, Compression compression);

}  // namespace davit::model
