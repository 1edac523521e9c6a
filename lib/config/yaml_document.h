#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace YAML {
class Node;
}

namespace davit::config {

struct DocumentLimits {
  std::size_t bytes = 1u << 20;
  std::size_t depth = 40;
  std::size_t values =
      200'000;  ///< keys, scalars, lists and mappings, each alias counted as what it stands for
};

/// Reads one YAML document and gives it to `reader`, which may use yaml-cpp without thought of its
/// exceptions. `name` is the file's; `reader` is given it fit for messages. Errors: invalid_argument for what
/// is no YAML, is more than one document or beyond the limits, with line and column; those of `reader`.
Result<> read_document(
    std::string_view text, const std::string& name, const DocumentLimits& limits,
    const std::function<Result<>(const YAML::Node& root, const std::string& file)>& reader);

}  // namespace davit::config
