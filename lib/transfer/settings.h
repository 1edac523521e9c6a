#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/transfer.h>

#include "model/media_type.h"

namespace davit::transfer {

/// Which layers that come compressed, or stay as they come, are given another form.
enum class Recompress {
  no,
  other_forms,  ///< those that have not the wanted compression
  all,
};

/// The choices of one run, settled: what PushOptions says once `automatic` has been thought through.
struct Settings {
  std::string verb = "push";  ///< what the user asked for, in messages
  LayerCompression compression = LayerCompression::automatic;
  std::optional<int> level;
  Recompress recompress = Recompress::no;
  ManifestFormat format = ManifestFormat::automatic;
  bool convert =
      false;  ///< where layers are compressed anew: manifests that come in another format get this one
  Reuse reuse = Reuse::repository;
  std::vector<std::string> reuse_from;
  OnExistingTag on_existing_tag = OnExistingTag::replace;
  bool referrers = false;  ///< what refers to an image goes with it
  std::size_t jobs = 16;   ///< transfers at once
  std::stop_token enough =
      {};  ///< once it is asked to stop no further image is begun; what has begun, arrives

  /// What uncompressed layers become; all layers where they are compressed anew.
  [[nodiscard]] model::Compression target() const {
    if (compression == LayerCompression::zstd) return model::Compression::zstd;
    return compression == LayerCompression::none ? model::Compression::none : model::Compression::gzip;
  }

  /// Whether a layer that comes in this form is unpacked and gets another one.
  [[nodiscard]] bool recompresses(model::Compression stored) const {
    if (recompress == Recompress::no || (stored == target() && target() == model::Compression::none))
      return false;
    return stored != target() || recompress == Recompress::all;
  }

  /// Whether a layer that is stored this way at the destination may stand for one of ours.
  [[nodiscard]] bool accepts(model::Compression stored) const {
    if (stored == model::Compression::zstd && format == ManifestFormat::docker) return false;
    const bool any = compression == LayerCompression::automatic && recompress == Recompress::no;
    return any || stored == target();
  }

  /// Whether a manifest of this media type may stand for the one we would write.
  [[nodiscard]] bool accepts_manifest(std::string_view media_type) const {
    if (format == ManifestFormat::automatic) return true;
    return media_type == (format == ManifestFormat::oci ? model::kOciManifest : model::kDockerManifest);
  }
};

}  // namespace davit::transfer
