#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "shared_flags.h"

namespace davit::tool {

/// What commands that change something within one registry have in common.
struct ChangingFlags {
  bool json = false;
  ConnectionFlags connection;
  OutputFlags output;

  void add_to(CLI::App& command, const std::string& json_help);
  /// A client for these references. Errors: invalid_argument, local_io.
  [[nodiscard]] Result<ClientOptions> client_options(const std::vector<std::string>& references) const;
};

}  // namespace davit::tool
