#pragma once

#include "config/foreign_notes.h"
#include "config/mirror_file.h"

namespace davit::config {

/// regsync's `creds`: a list of registries. Errors: invalid_argument.
Result<> read_regsync_creds(const YAML::Node& node, const Place& place,
                            const MirrorSurroundings& surroundings, ForeignNotes& notes, MirrorSettings& out);

}  // namespace davit::config
