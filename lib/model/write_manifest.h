#pragma once

#include <string>
#include <vector>

#include <davit/descriptor.h>

#include "model/media_type.h"

namespace davit::model {

/// The bytes of an image manifest for a config and layers, bottom first. The same input always gives the same
/// bytes. The media types of config and layers must already be those of `format`.
std::string image_manifest(Format format, const Descriptor& config, const std::vector<Descriptor>& layers);

}  // namespace davit::model
