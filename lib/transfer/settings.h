#pragma once

#include <optional>
#include <string>
#include <vector>

#include <davit/transfer.h>

#include "model/media_type.h"

namespace davit::transfer {

/// The choices of one run, settled: what PushOptions says once `automatic` has been thought through.
struct Settings {
  std::string verb = "push";  ///< what the user asked for, in messages
  LayerCompression compression = LayerCompression::automatic;
  std::optional<int> level;
  ManifestFormat format = ManifestFormat::automatic;
  Reuse reuse = Reuse::repository;
  std::vector<std::string> reuse_from;
  OnExistingTag on_existing_tag = OnExistingTag::replace;
  bool referrers = false;  ///< what refers to an image goes with it
  std::size_t jobs = 16;   ///< transfers at once

  /// What uncompressed layers become.
  [[nodiscard]] model::Compression target() const {
    if (compression == LayerCompression::zstd) return model::Compression::zstd;
    return compression == LayerCompression::none ? model::Compression::none : model::Compression::gzip;
  }

  /// Whether a layer that is stored this way at the destination may stand for one of ours.
  [[nodiscard]] bool accepts(model::Compression stored) const {
    if (stored == model::Compression::zstd && format == ManifestFormat::docker) return false;
    return compression == LayerCompression::automatic || stored == target();
  }

  /// Whether a manifest of this media type may stand for the one we would write.
  [[nodiscard]] bool accepts_manifest(std::string_view media_type) const {
    if (format == ManifestFormat::automatic) return true;
    return media_type == (format == ManifestFormat::oci ? model::kOciManifest : model::kDockerManifest);
  }
};

}  // namespace davit::transfer
