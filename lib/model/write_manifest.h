#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/descriptor.h>

#include "model/media_type.h"

namespace davit::model {

/// The bytes of an image manifest for a config and layers, bottom first. The same input always gives the same
/// bytes. The media types of config and layers must already be those of `format`.
std::string image_manifest(Format format, const Descriptor& config, const std::vector<Descriptor>& layers);

/// The bytes of an index of these entries, in their order. The same input always gives the same bytes.
std::string index_manifest(Format format, std::span<const Descriptor> entries,
                           const std::map<std::string, std::string>& annotations = {});

/// An entry of an index: everything that the descriptor says.
nlohmann::ordered_json entry_json(const Descriptor& entry);
nlohmann::ordered_json platform_json(const Platform& platform);

}  // namespace davit::model
