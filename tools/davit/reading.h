#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "platform_flags.h"
#include "shared_flags.h"
#include "signals.h"

namespace davit::tool {

/// What commands that look at an image have in common.
struct ReadingFlags {
  PlatformFlags platform;
  ConnectionFlags connection;
  OutputFlags output;
  bool as_listed = false;   ///< OpenOptions::as_listed; no flag, the command knows
  bool keep_index = false;  ///< OpenOptions::keep_index, likewise

  void add_to(CLI::App& command);
  /// A client for these arguments, all of them read from. Errors: invalid_argument, local_io.
  [[nodiscard]] Result<ClientOptions> client_options(std::vector<std::string> sources) const;
  /// Errors: invalid_argument.
  [[nodiscard]] Result<OpenOptions> open_options(const Signals& signals) const;
  /// When everything has to be done; none without --timeout. Errors: invalid_argument.
  [[nodiscard]] Result<CallContext> context(const Signals& signals) const;
};

/// Opens what `source` names and hands it to `look`, which returns the exit code. Notes go to stderr.
int look_at(const std::string& source, const ReadingFlags& flags, const Signals& signals,
            const std::function<int(Client&, OpenedImage&, const CallContext&)>& look);

}  // namespace davit::tool
