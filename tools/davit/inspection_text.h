#pragma once

#include <string>

#include <davit/image.h>
#include <davit/inspect.h>

namespace davit::tool {

/// Of an image that OpenedImage calls made.
inline constexpr const char* kAsStored =
    "the digest is that of the image as it is stored, uncompressed; davit digest says what a push gives";

/// What `davit inspect` prints, for people.
std::string inspection_text(const OpenedImage& image, const Inspection& found);

/// The same as a JSON object, with skopeo's names for what skopeo tells, and others for the rest. The tags of
/// the repository are not read: their list is left out, or with `no_tags` empty, as skopeo has it then.
std::string inspection_json(const OpenedImage& image, const Inspection& found, bool no_tags);

}  // namespace davit::tool
