#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "platform_flags.h"
#include "shared_flags.h"

namespace davit::tool {

enum class Verb { push, pull, copy };

/// What push, pull and copy have in common: every flag that says how images travel.
struct TransferFlags {
  std::vector<std::string> tags;
  PlatformFlags platform;
  std::string compress;
  bool recompress = false;
  std::string skopeo_format;  ///< --dest-compress-format
  std::string skopeo_level;   ///< --dest-compress-level
  bool oci = false;
  bool docker = false;
  std::string format;
  std::string reuse = "repo";
  std::vector<std::string> reuse_from;
  bool no_clobber = false;
  std::string create_repo;
  bool preserve_digests = false;
  bool all_tags = false;
  TagChoice choice;
  bool referrers = false;
  bool digest_tags = false;
  std::optional<bool> resume;
  bool no_sync = false;
  bool dry_run = false;
  bool exit_code = false;
  bool json = false;
  std::string digest_file;
  bool insecure = false;
  ConnectionFlags connection;
  OutputFlags output;

  void add_to(CLI::App& command, Verb verb);
  /// Errors: invalid_argument.
  [[nodiscard]] Result<CopyOptions> options() const;

 private:
  Result<> read_compression(CopyOptions& options) const;

  const CLI::App* app_ = nullptr;
};

}  // namespace davit::tool
