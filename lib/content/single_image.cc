#include <algorithm>
#include <vector>

#include <davit/image.h>

#include "base/error.h"
#include "base/try.h"
#include "content/choose_platforms.h"
#include "model/media_type.h"

namespace davit {
namespace {

/// Attestations are listed as images for an unknown platform.
bool may_be_meant(const Descriptor& child) {
  return !(child.platform && child.platform->os == "unknown" && child.platform->architecture == "unknown");
}

}  // namespace

Result<SingleImage> single_image(const OpenedImage& opened, const CallContext& context) {
  DAVIT_TRY(Manifest root, opened.source->manifest(opened.root.digest.to_string(), context));
  for (int depth = 0; root.is_index() && depth < 8; ++depth) {
    std::vector<Descriptor> children;
    std::ranges::copy_if(root.manifests(), std::back_inserter(children), may_be_meant);
    if (children.size() != 1) break;
    DAVIT_TRY(root, opened.source->manifest(children.front().digest.to_string(), context));
  }
  if (!root.is_index()) return SingleImage{std::move(root), {}};
  const Platform here = Platform::host();
  DAVIT_TRY(auto choice, content::choose_platforms(opened.source, opened.root, std::span(&here, 1), context));
  DAVIT_TRY(Manifest image, choice.source->manifest(choice.root.digest.to_string(), context));
  if (image.is_index()) {
    return make_error(Errc::not_found, "several images for " + here.to_string(),
                      "name one of them by its digest");
  }
  return SingleImage{std::move(image),
                     "the image for " + here.to_string() + " of several; --platform chooses"};
}

}  // namespace davit
