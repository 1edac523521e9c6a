#pragma once

#include <string>

#include "config/mirror_file.h"
#include "config/variables.h"

namespace davit::config {

/// Fills in what is common of Go's templates in regsync's files: `{{env "NAME"}}` and `{{file "PATH"}}` (the
/// text without the white space around it). Errors: invalid_argument for every other template, for a variable
/// that is not set, and for a file that cannot be read; never with what was filled in.
Result<FilledText> filled_template(const std::string& written, const MirrorSurroundings& surroundings);

}  // namespace davit::config
