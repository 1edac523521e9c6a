#pragma once

#include "config/mirror_file.h"
#include "config/yaml_fields.h"

namespace davit::config {

// The three kinds of mirror files. Each adds to `out` what the document says. Errors: invalid_argument.

/// davit's own (docs/mirror.md).
Result<> read_own(const YAML::Node& root, const Place& place, MirrorSettings& out);

/// regsync's. Values are filled in where regsync expands templates.
Result<> read_regsync(const YAML::Node& root, const Place& place, const MirrorSurroundings& surroundings,
                      MirrorSettings& out);

/// The source of `skopeo sync --src yaml`. Its jobs have no targets.
Result<> read_skopeo(const YAML::Node& root, const Place& place, MirrorSettings& out);

}  // namespace davit::config
