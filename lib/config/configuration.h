#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <davit/client.h>
#include <davit/result.h>

namespace davit::config {

/// What the configuration file says about one registry.
struct Registry {
  RegistryOptions options;
  std::string credentials_variable;  ///< `creds_env`: the environment variable that holds USER:PASSWORD
  std::string helper;                ///< `helper`: the NAME of a program docker-credential-NAME
  std::optional<Credential> credential = {};  ///< written into a mirror file of another tool
};

/// The configuration file, read. Plain data.
struct Configuration {
  std::map<std::string, Registry> registries;  ///< by host, as references write it
};

/// Reads a YAML document: `registries:`, a mapping of hosts to settings (docs/configuration.md has them all).
/// An empty document says nothing. What it does not know it refuses, so that a slip of the pen is seen.
/// `name` is the file's, for messages. Errors: invalid_argument with
/// line and column.
Result<Configuration> parse_configuration(std::string_view text, const std::string& name);

/// The file's text, a little more than `most` bytes of it; empty optional when there is no such file. Errors:
/// local_io.
Result<std::optional<std::string>> read_configuration_file(const std::string& path,
                                                           std::size_t most = 1u << 20);

}  // namespace davit::config
