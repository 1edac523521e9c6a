#pragma once

#include <string>

#include <davit/image.h>
#include <davit/inspect.h>

namespace davit::tool {

/// What `davit inspect` prints, for people.
std::string inspection_text(const OpenedImage& image, const Inspection& found);

/// The same as a JSON object, with skopeo's names for what skopeo tells, and others for the rest.
std::string inspection_json(const OpenedImage& image, const Inspection& found);

}  // namespace davit::tool
