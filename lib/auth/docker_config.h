#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/credentials.h>

namespace davit::auth {

/// The name under which Docker keeps Docker Hub's credentials.
inline constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";

/// Which registry, and which repositories of it, a key of a Docker configuration means.
struct ConfigKey {
  std::string host;  ///< lower case; Docker Hub's names are "docker.io", port 443 is not written
  std::string path;  ///< "team/app": only repositories at or below it; usually empty

  /// Understands HOST, HOST/NAMESPACE, and Docker's URL forms.
  static ConfigKey parse(std::string_view key);
};

/// The key that `docker login HOST` writes.
std::string config_key_for(const std::string& host);

/// What a Docker or Podman configuration file says about credentials; the rest of it is not looked at. Plain
/// data.
class DockerConfig {
 public:
  enum class Format {
    config,    ///< config.json, auth.json
    dockercfg  ///< ~/.dockercfg: the entries alone
  };

  /// An empty text is an empty configuration. Errors: corrupt, without any of the text.
  static Result<DockerConfig> parse(std::string_view text, Format format = Format::config);

  /// The entry for a repository, the longest key first. An entry without any secret counts as none.
  /// Errors: corrupt for an entry that cannot be decoded.
  [[nodiscard]] Result<std::optional<Credential>> find(const std::string& host,
                                                       const std::string& repository) const;

  /// The helper program in charge of a host: its own, else the store for all; empty when there is none.
  [[nodiscard]] std::string helper_for(const std::string& host) const;

 private:
  struct Entry {
    ConfigKey key;
    std::string name;  // as written
    Credential credential;
    Secret auth;  // base64 of "user:password"
    std::string problem;
  };
  static Result<std::optional<Credential>> decode(const Entry& entry);

  std::vector<Entry> entries_;
  std::map<std::string, std::string> helpers_;
  std::string store_;
};

/// A file that may hold credentials.
struct AuthFile {
  std::string path;
  DockerConfig::Format format = DockerConfig::Format::config;
  enum class Absence { error, fine, fine_if_unreadable } absence = Absence::fine;
};

/// The files to look at, first one first.
std::vector<AuthFile> auth_files(const DockerConfigOptions& options);
/// The one that login and logout change. Errors: invalid_argument when no option leads to one.
Result<std::string> writable_auth_file(const DockerConfigOptions& options);

/// The whole file; empty optional when it is not there and need not be. Errors: local_io, corrupt (too long).
Result<std::optional<Secret>> read_auth_file(const AuthFile& file);

}  // namespace davit::auth
