#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <davit/mirror.h>
#include <davit/result.h>

#include "config/configuration.h"
#include "config/variables.h"

namespace davit::config {

constexpr std::size_t kMostMirrorBytes = 4u << 20;
constexpr std::size_t kMostMirrorJobs = 10'000;

/// A mirror file, read. Plain data.
struct MirrorSettings {
  MirrorFile file;
  std::map<std::string, Registry> registries = {};  ///< by host, as references write it
};

/// Where a file that is being read may look for values. The functions are called during the reading only.
struct MirrorSurroundings {
  Variables variables;
  /// The text of a small file, for regsync's `{{file "PATH"}}`. Errors: local_io.
  std::function<Result<std::string>(const std::string& path)> small_file;
};

/// Reads a mirror file: davit's own schema (docs/mirror.md), regsync's, or skopeo sync's, found by what is in
/// it. What it does not know it refuses. `name` is the file's, for messages. Errors: invalid_argument with
/// line and column, never with the value of a variable or a password.
Result<MirrorSettings> parse_mirror_file(std::string_view text, const std::string& name,
                                         const MirrorSurroundings& surroundings);

}  // namespace davit::config
