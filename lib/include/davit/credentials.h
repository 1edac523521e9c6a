#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <davit/call_context.h>
#include <davit/result.h>
#include <davit/secret.h>

namespace davit {

/// What a registry may be shown. Usually a user name and a password; at most one of the three secrets is
/// needed.
struct Credential {
  std::string username = {};
  Secret password = {};
  Secret identity_token = {};  ///< an OAuth refresh token, to be exchanged for access tokens
  Secret registry_token = {};  ///< a bearer token that is ready for use
};

/// Where credentials come from: a file, a helper program, a vault, or your own. Thread-safe.
class DAVIT_EXPORT CredentialSource {
 public:
  virtual ~CredentialSource() = default;

  /// What to show the registry `host` (as in Reference::host; Docker Hub is "docker.io") for `repository`,
  /// which is empty for questions about the registry itself. Empty: this source knows nothing, the next one
  /// is asked. An error ends the search: somebody who stored credentials does not want to go on as nobody.
  /// May block.
  virtual Result<std::optional<Credential>> find(const std::string& host, const std::string& repository,
                                                 const CallContext& context) = 0;

  /// Whether somebody chose this source for the work at hand. For an ECR host chosen sources are asked before
  /// AWS, the others after it.
  [[nodiscard]] virtual bool chosen() const { return true; }
};

/// One credential for one host, or, with an empty `host`, for every registry that is asked.
/// Shared between the caller and every client that is given it.
DAVIT_EXPORT std::shared_ptr<CredentialSource> fixed_credentials(const std::string& host,
                                                                 Credential credential);

/// Where Docker's and Podman's files and helper programs are. The fields carry the values of the environment
/// variables of the same names; nothing is read from the environment here. An empty field is an unset
/// variable.
struct DockerConfigOptions {
  std::string auth_file;        ///< `--authfile` or REGISTRY_AUTH_FILE: when set, only this file is used
  Secret docker_auth_config;    ///< DOCKER_AUTH_CONFIG: a whole document, asked before the files
  std::string xdg_runtime_dir;  ///< XDG_RUNTIME_DIR
  std::string xdg_config_home;  ///< XDG_CONFIG_HOME
  std::string docker_config;    ///< DOCKER_CONFIG: the directory of config.json
  std::string home;             ///< HOME
  std::string path;             ///< PATH, where docker-credential-* programs are looked for
  std::optional<std::uint32_t> uid = {};  ///< for /run/containers/UID when XDG_RUNTIME_DIR is unset
  std::chrono::milliseconds helper_timeout{60'000};
  bool chosen = false;  ///< see CredentialSource::chosen(): `--authfile`, as opposed to what lies about
};

/// The credentials that docker and podman find on this machine: files, and the helper programs that these
/// name. The files are read anew for each question, so a login made elsewhere is seen. A helper inherits this
/// process's environment. Errors: corrupt or local_io naming the file, unavailable or timeout naming the
/// helper.
DAVIT_EXPORT std::shared_ptr<CredentialSource> docker_config_credentials(DockerConfigOptions options);

}  // namespace davit
