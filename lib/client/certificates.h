#pragma once

#include <string>
#include <vector>

#include <davit/client.h>

namespace davit::client {

/// The files for TLS with one registry.
struct Certificates {
  std::vector<std::string> authorities;  ///< PEM files, or PEM texts, trusted besides the system's
  std::string certificate;               ///< PEM client certificate; empty for none
  std::string key;
};

/// What the options name, and what lies in the registry's own directory: `*.crt` are authorities, `*.cert`
/// with a `*.key` of the same name is the client certificate (the first one in alphabetical order), as Docker
/// and Podman have it. Of `directories` the first that has a folder for `host` counts; one that may not be
/// read is passed over. Errors: local_io for a directory that the options name, and for half of a pair.
/// REQUIRES: `host` follows the reference grammar.
Result<Certificates> certificates_for(const std::string& host, const RegistryOptions& options,
                                      const std::vector<std::string>& directories);

}  // namespace davit::client
