#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/argument.h"
#include "client/location.h"

namespace davit::client {

/// A file or folder that images go into.
struct FileTarget {
  enum class Kind { layout, oci_archive, docker_archive };
  Kind kind = Kind::layout;
  std::string path;                ///< "-": standard output
  std::vector<std::string> names;  ///< NAME:TAG, or a tag where there is a layout; empty: those of the source

  /// As results write it: "oci:DIR".
  [[nodiscard]] std::string text() const;
};

using Target = std::variant<DestinationPattern, FileTarget>;

/// Reads a destination argument of a command. `source` is for hints. Errors: invalid_argument, with the line
/// to use instead where there is one.
Result<Target> parse_target(std::string_view text, Verb verb, std::string_view source);

/// `pull PATH`, and perhaps where to. Looks whether there is a file of that name.
Error not_to_pull(std::string_view source, std::string_view destination);

/// `push REFERENCE PATH`: the line that was meant.
Error reversed_push(std::string_view source, std::string_view destination);

/// Where `davit pull REFERENCE` writes to when it is not told: the last part of the repository, as a tar.
FileTarget default_output(const Reference& reference);

}  // namespace davit::client
