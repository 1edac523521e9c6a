#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "compression_flags.h"
#include "platform_flags.h"
#include "shared_flags.h"

namespace davit::tool {

enum class Verb { push, pull, copy, index };

/// What push, pull and copy have in common: every flag that says how images travel.
struct TransferFlags {
  std::vector<std::string> tags;
  PlatformFlags platform;
  CompressionFlags compression;
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
  ConnectionFlags connection;
  OutputFlags output;

  void add_to(CLI::App& command, Verb verb);
  /// Errors: invalid_argument.
  [[nodiscard]] Result<CopyOptions> options() const;

 private:
  const CLI::App* app_ = nullptr;
};

}  // namespace davit::tool
