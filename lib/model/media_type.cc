#include "model/media_type.h"

#include <algorithm>
#include <cassert>

#include "base/ascii.h"

namespace davit::model {

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "none";
    case Compression::gzip:
      return "gzip";
    case Compression::zstd:
      return "zstd";
  }
  return "none";
}

std::string essence(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  const auto first = media_type.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  media_type = media_type.substr(first, media_type.find_last_not_of(" \t") - first + 1);
  return lower_case(media_type);
}

bool is_index(std::string_view media_type) {
  return media_type == kOciIndex || media_type == kDockerList;
}

bool is_manifest(std::string_view media_type) {
  return is_index(media_type) || media_type == kOciManifest || media_type == kDockerManifest;
}

bool is_schema1(std::string_view media_type) {
  return media_type == kDockerSchema1 || media_type == kDockerSchema1Signed;
}

bool is_image_config(std::string_view media_type) {
  return media_type == kOciConfig || media_type == kDockerConfig;
}

bool is_foreign_layer(std::string_view media_type) {
  return media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar") ||
         media_type.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar");
}

bool is_plain_layer(std::string_view media_type) {
  return media_type == kOciLayer || media_type == kDockerLayer ||
         media_type == "application/vnd.oci.image.layer.nondistributable.v1.tar";
}

bool is_layer(std::string_view media_type) {
  return media_type.starts_with(kOciLayer) || media_type.starts_with(kDockerLayer) ||
         is_foreign_layer(media_type);
}

Compression compression_of(std::string_view media_type) {
  if (media_type.ends_with("+gzip") || media_type.ends_with(".gzip")) return Compression::gzip;
  if (media_type.ends_with("+zstd") || media_type.ends_with(".zstd")) return Compression::zstd;
  return Compression::none;
}

std::string layer_type(Format format, Compression compression) {
  assert(format == Format::oci || compression != Compression::zstd);
  std::string base(format == Format::oci ? kOciLayer : kDockerLayer);
  if (compression == Compression::gzip) base += format == Format::oci ? "+gzip" : ".gzip";
  if (compression == Compression::zstd) base += "+zstd";
  return base;
}

}  // namespace davit::model
