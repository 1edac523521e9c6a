#pragma once

#include <memory>

#include <davit/content.h>

#include "content/raw_image.h"

namespace davit::content {

/// An image that an archive holds without a manifest, as a store that has one.
struct DescribedImage {
  std::shared_ptr<ContentSource> source;
  Descriptor root;
};

/// Writes the manifest that describes the image as it is stored. A layer that is stored compressed is read
/// once, because nobody knows its digest. Errors: those of reading; corrupt for a bad configuration.
Result<DescribedImage> described(const RawImage& image, model::Format format, const CallContext& context);

}  // namespace davit::content
