#pragma once

#include <map>
#include <string>

#include "config/configuration.h"
#include "config/yaml_fields.h"

namespace davit::config {

/// The value of `registries:`: a mapping of hosts to settings (docs/configuration.md). Errors:
/// invalid_argument.
Result<std::map<std::string, Registry>> registries_of(const YAML::Node& node, const Place& place);

}  // namespace davit::config
