#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "compression_flags.h"
#include "platform_flags.h"
#include "shared_flags.h"
#include "signals.h"

namespace davit::tool {

/// What commands that change an image have in common.
struct EditingFlags {
  std::string source;
  std::string destination;
  std::vector<std::string> to;  ///< --tag, crane's word for the destination
  PlatformFlags platform;
  CompressionFlags compression;
  bool no_clobber = false;
  std::string create_repo;
  bool no_sync = false;
  bool preserve_digests = false;
  bool dry_run = false;
  bool exit_code = false;
  bool json = false;
  std::string digest_file;
  ConnectionFlags connection;
  OutputFlags output;

  /// SRC and DST come first; a command that cannot do without SRC makes it required.
  void add_to(CLI::App& command, const std::string& source_help);
  /// Errors: invalid_argument.
  [[nodiscard]] Result<CopyOptions> copy_options() const;
  /// DST and --tag, or SRC where that is a tag in a registry. Errors: invalid_argument.
  [[nodiscard]] Result<std::vector<std::string>> destinations(const OpenedImage& image) const;
};

/// What an edit is given besides the image.
struct EditContext {
  Client& client;
  const CopyOptions& copy;  ///< how the edited image will travel
  EditOptions edit;
};
using Edit = std::function<Result<OpenedImage>(const OpenedImage&, const EditContext&)>;

/// Opens SRC, or begins with an empty image where there is none, edits it and delivers the result: progress
/// and notes on stderr, references on stdout. Returns the exit code. `also_read`: further arguments that may
/// name registries to read from.
int edit_image(const EditingFlags& flags, std::vector<std::string> also_read, const Signals& signals,
               const Edit& edit);

}  // namespace davit::tool
