#pragma once

#include <memory>
#include <optional>
#include <string>

#include "support/process.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"
#include "support/token_server.h"

namespace davit::test {

struct DockerRegistryOptions {
  std::optional<TlsIdentity> tls = {};
  bool htpasswd = false;  ///< Basic credentials: `user` and `password`
  std::string user = "user";
  std::string password = "password";
  const TokenServer* tokens = nullptr;  ///< Bearer tokens from there; it must outlive the registry
};

/// Debian's docker-registry on a free loopback port, with deletion enabled and its storage in a directory
/// that goes with it. Ready when constructed. Throws std::runtime_error when it does not start.
class DockerRegistry {
 public:
  explicit DockerRegistry(const DockerRegistryOptions& options = {});

  /// "127.0.0.1:41234"
  [[nodiscard]] std::string authority() const { return authority_; }
  [[nodiscard]] std::string url() const { return (tls_ ? "https://" : "http://") + authority_; }
  [[nodiscard]] const std::filesystem::path& storage() const { return storage_; }
  /// Whether this machine has the program.
  static bool available();

 private:
  TempDir dir_;
  std::filesystem::path storage_;
  bool tls_;
  std::string authority_;
  std::unique_ptr<Process> process_;
};

}  // namespace davit::test
