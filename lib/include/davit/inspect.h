#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/image_details.h>

namespace davit {

struct InspectOptions {
  Platform platform = Platform::host();  ///< which image of an index is looked at
  bool sizes = false;                    ///< read the manifests of all images of an index, to say their sizes
  std::size_t jobs = 8;                  ///< requests at once
};

/// An image that an index lists.
struct ListedImage {
  Descriptor manifest;
  bool attestation = false;  ///< what buildkit says about another entry
  std::optional<std::uint64_t>
      size;  ///< of its config and layers; with InspectOptions::sizes, if it is there
};

/// An image, looked at.
struct Inspection {
  Manifest root;
  std::vector<ListedImage> images = {};  ///< what an index lists, in its order
  /// The image itself: the root, or that of the platform which the index lists. Empty when it lists none for
  /// that platform.
  std::optional<Manifest> image = {};
  std::string config = {};                   ///< the original bytes; empty for artifacts without JSON
  std::optional<ImageDetails> details = {};  ///< of container images
};

/// Reads what there is to say about the image below `root`: at most its manifest, for an index that of the
/// platform's image, and its config. Artifacts have no details. Errors: those of the source; corrupt.
DAVIT_EXPORT Result<Inspection> inspect(const std::shared_ptr<ContentSource>& source, const Descriptor& root,
                                        const InspectOptions& options, const CallContext& context);

/// Bytes of the config and of all layers, each digest once: what is stored for the image besides its
/// manifest.
DAVIT_EXPORT std::uint64_t stored_size(const Manifest& image);

/// Whether a manifest describes a container image; other ones are artifacts.
DAVIT_EXPORT bool is_container_image(const Manifest& manifest);

/// What an artifact is: its artifactType, else the media type of its config.
DAVIT_EXPORT std::string artifact_type_of(const Manifest& manifest);

}  // namespace davit
