#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <davit/client.h>

namespace davit::tool {

/// What layers become, and which format manifests have.
struct CompressionFlags {
  std::string compress;
  bool recompress = false;
  std::string skopeo_format;  ///< --dest-compress-format
  std::string skopeo_level;   ///< --dest-compress-level
  bool oci = false;
  bool docker = false;
  std::string format;

  /// What travels: images, whose layers may be compressed anew, or an index or an edited image, whose
  /// compressed layers stay as they are.
  enum class For { images, index, edits };

  void add_to(CLI::App& command, For what);
  /// Errors: invalid_argument.
  Result<> apply(CopyOptions& options) const;

 private:
  Result<> read_compression(CopyOptions& options) const;

  const CLI::App* app_ = nullptr;
};

}  // namespace davit::tool
