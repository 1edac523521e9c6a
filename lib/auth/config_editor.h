#pragma once

#include <string>

#include <davit/credentials.h>

namespace davit::auth {

/// Where login put a credential.
struct StoredCredential {
  std::string where;  ///< a path, or "credential helper docker-credential-NAME"
  std::string
      shadowed_by;  ///< another file, looked at earlier, that also has one for this host; usually empty
};

/// Keeps a credential for `host` as `docker login` would: with the helper that the configuration names, else
/// in the configuration file (writable_auth_file()), which is made if it is not there. The file gets mode
/// 0600 and is replaced as a whole, under a lock; what davit does not know in it stays. A symbolic link is
/// followed. REQUIRES: `credential` has a password or an identity token. Errors: local_io, corrupt (the file
/// is left as it was), the helper's.
Result<StoredCredential> store_credential(const DockerConfigOptions& options, const std::string& host,
                                          const Credential& credential, const CallContext& context);

/// What logout did.
struct ErasedCredential {
  bool found = false;
  std::string where;  ///< the file or helper that was asked to forget it
  std::string
      still_in;  ///< another file that still has one for this host, where podman or the environment put it
};

/// Forgets what store_credential() keeps. Credentials for single repositories of the host stay.
Result<ErasedCredential> erase_credential(const DockerConfigOptions& options, const std::string& host,
                                          const CallContext& context);

}  // namespace davit::auth
