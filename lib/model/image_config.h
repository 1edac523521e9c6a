#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/digest.h>
#include <davit/platform.h>

namespace davit::model {

/// The part of an image configuration that davit reads (OCI image configuration). The bytes themselves always
/// travel unchanged.
struct ImageConfig {
  Platform platform;
  std::vector<Digest> diff_ids;  ///< of the uncompressed layers, bottom first

  /// Errors: corrupt.
  static Result<ImageConfig> parse(std::string_view bytes);
  /// The same from a document that parse_json() has read.
  static Result<ImageConfig> from(const nlohmann::json& document);
};

}  // namespace davit::model
