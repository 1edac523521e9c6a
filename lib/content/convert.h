#pragma once

#include <memory>

#include <davit/content.h>

#include "model/media_type.h"

namespace davit::content {

/// An image in another manifest format.
struct Converted {
  std::shared_ptr<ContentSource> source;  ///< the one given, or one that also has the new manifests
  Descriptor root;
};

/// Gives every manifest of an image the media types of `format`, and the indexes above the new digests. The
/// blobs stay what they are, and so do all other members. An image that is in this format already comes back
/// as it was, and attestations stay as they are. Errors: unsupported for what the format has no name for
/// (zstd layers and artifacts in Docker's); those of the source.
Result<Converted> converted(std::shared_ptr<ContentSource> source, const Descriptor& root,
                            model::Format format, const CallContext& context);

}  // namespace davit::content
