#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/platform.h>

namespace davit::tool {

/// --platform, and what skopeo says instead.
struct PlatformFlags {
  std::vector<std::string> wanted;
  bool all = false;
  std::string override_os;
  std::string override_arch;
  std::string override_variant;
  std::string multi_arch;

  void add_to(CLI::App& command, const std::string& help);
  /// For a command that looks at one image: help does not say that --platform may be repeated. Where it is
  /// nevertheless, the command has to refuse.
  static void expect_one(CLI::App& command);
  /// Empty: all of them. Errors: invalid_argument.
  [[nodiscard]] Result<std::vector<Platform>> chosen() const;
};

}  // namespace davit::tool
