#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <davit/client.h>

#include "ui/progress_line.h"

namespace davit::tool {

/// Adds an option that can also be set as DAVIT_<FLAG>: "--no-clobber" is DAVIT_NO_CLOBBER. `names` is
/// CLI11's spelling, the long name last.
CLI::Option* with_environment(CLI::Option* option);

/// Whether the command line has this flag ("--compress"); what only the environment says does not count.
bool was_typed(const CLI::App& command, const std::string& name);

/// Adds --tls-verify[=false]; `verify` stays empty without it.
CLI::Option* add_tls_verify(CLI::App& command, const std::string& names, std::optional<bool>& verify,
                            const std::string& help);

/// Adds a flag and its opposite, "--scan" and "--no-scan", each with a variable of its own; `choice` stays
/// empty without them. What is typed beats the environment, and the last one typed those before.
void add_choice(CLI::App& command, const std::string& yes, const std::string& no, std::optional<bool>& choice,
                const std::string& help, const std::string& opposite_help);

/// How to reach a registry, and whom to trust there.
struct TrustFlags {
  std::string config;
  std::optional<bool> tls_verify;  ///< unset: verified, and plain HTTP on loopback
  bool plain_http = false;
  std::string ca_file;
  std::string cert_dir;
  std::string cert_file;
  std::string key_file;
  std::vector<std::string> allow_realms;
  bool insecure = false;  ///< what others call several things
  /// Not a flag: settings() with what a command has added to them.
  std::optional<ClientOptions> known;

  void add_to(CLI::App& command);
  /// This machine's settings and the configuration file. Errors: invalid_argument, local_io.
  [[nodiscard]] Result<ClientOptions> settings() const;
  /// The same, or what is `known`, with the flags on top. Errors: invalid_argument, local_io.
  [[nodiscard]] Result<ClientOptions> client_options() const;

 private:
  void apply(RegistryOptions& registry) const;
};

/// --profile, --role-arn, --region, with a prefix such as "src-" or none.
struct AwsFlags {
  std::string profile;
  std::string role_arn;
  std::string region;

  void add_to(CLI::App& command, const std::string& prefix, const std::string& whose);
  [[nodiscard]] AwsIdentity identity() const {
    return {.profile = profile,
            .role_arn = role_arn,
            .region = region,
            .profile_from = profile.empty() ? "" : "--" + prefix_ + "profile"};
  }

 private:
  std::string prefix_;
};

/// What commands about AWS have: whom to be, and whom to trust.
struct IdentityFlags {
  AwsFlags aws;
  TrustFlags trust;

  void add_to(CLI::App& command);
  /// Errors: invalid_argument, local_io.
  [[nodiscard]] Result<ClientOptions> client_options() const;
};

/// --create-repo[=immutable,scan,kms=KEY]: what stands behind the equals sign. Errors: invalid_argument.
Result<NewRepository> parse_new_repository(const std::string& text);

/// --creds, --authfile, --registry-token, with a prefix such as "src-" or none.
struct CredentialFlags {
  std::optional<std::string> creds;
  std::optional<std::string> authfile;
  std::optional<std::string> registry_token;

  void add_to(CLI::App& command, const std::string& prefix, const std::string& whose);
  [[nodiscard]] bool named() const { return creds || registry_token; }
  /// Whether the command line names them, and not only the environment.
  [[nodiscard]] bool typed() const;

 private:
  const CLI::App* app_ = nullptr;
  std::string prefix_;
};

/// What can only be an image, in the spelling that cannot be a file's; "ecr:" names stay.
std::string as_image(const std::string& text);

/// The arguments of a command, as far as they may name registries.
struct Arguments {
  std::vector<std::string> sources;
  std::vector<std::string> destinations;
};

/// Which arguments the credentials without a prefix are for.
enum class CredentialScope { sources, destinations, both };

/// Flags that every command talking to registries has.
struct ConnectionFlags {
  TrustFlags trust;
  CredentialFlags credentials;
  CredentialFlags source_credentials;
  CredentialFlags destination_credentials;
  bool password_stdin = false;
  std::optional<bool> source_tls_verify;  ///< TrustFlags::tls_verify for the sources alone
  std::optional<bool> dest_tls_verify;
  AwsFlags aws;
  AwsFlags source_aws;
  AwsFlags destination_aws;
  std::optional<std::size_t> jobs;
  std::optional<int> retries;
  std::string timeout;
  std::string stall_timeout;
  std::string limit_rate;
  std::string tmpdir;

  void add_to(CLI::App& command);
  /// This machine's settings with the flags on top. Credentials from the command line are for the registries
  /// of the arguments they are meant for, and for nobody else. Errors: invalid_argument.
  [[nodiscard]] Result<ClientOptions> client_options(int verbosity, const Arguments& arguments,
                                                     CredentialScope scope) const;
  [[nodiscard]] Result<std::optional<std::chrono::milliseconds>> time_limit() const;
};

/// -q, -v and --progress.
struct OutputFlags {
  bool quiet = false;
  int verbose = 0;
  std::string progress = "auto";

  void add_to(CLI::App& command);
  [[nodiscard]] ProgressStyle style() const;
};

/// The first line of standard input, without its end. Errors: local_io, invalid_argument when there is none.
Result<Secret> read_password();

}  // namespace davit::tool
