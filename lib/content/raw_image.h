#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <davit/content.h>

#include "model/media_type.h"

namespace davit::content {

/// A layer as an archive without manifests holds it: bytes that may still have to be compressed.
struct RawLayer {
  Digest diff_id;                          ///< of the uncompressed tar, as the config states it
  std::shared_ptr<const Content> content;  ///< co-owned by everybody who reads the archive
  std::uint64_t size = 0;                  ///< of `content`, in bytes as stored
  model::Compression stored = model::Compression::none;
};

/// An image that has no manifest yet: davit writes one when the layers have been compressed.
struct RawImage {
  std::string config;            ///< the original bytes
  std::vector<RawLayer> layers;  ///< bottom first
  Platform platform;
};

}  // namespace davit::content
