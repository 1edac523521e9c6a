#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <davit/image.h>

#include "compose/image_draft.h"

namespace davit::compose {

/// What became of one image, and the blobs that came with it, beside its configuration.
struct EditedImage {
  ImageDocuments documents;
  std::vector<std::shared_ptr<const Content>> blobs = {};  ///< REQUIRES: each knows its descriptor
};

using ImageEdit = std::function<Result<EditedImage>(const ImageDocuments&)>;

/// Applies `edit` to the image, or to every container image below an index, each digest once, and writes the
/// indexes above again. Attestations of images that stay as they are stay, others are left out with a note;
/// what is no container image stays. Errors: unsupported where there is no container image; corrupt for
/// indexes nested too deep; those of `edit` and of the source.
Result<OpenedImage> edit_images(const OpenedImage& image, const ImageEdit& edit, const CallContext& context);

}  // namespace davit::compose
