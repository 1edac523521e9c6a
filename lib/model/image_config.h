#pragma once

#include <string>
#include <string_view>
#include <vector>

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
};

}  // namespace davit::model
