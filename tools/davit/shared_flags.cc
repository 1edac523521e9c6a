#include "shared_flags.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>

#include <unistd.h>

#include <davit/reference.h>

#include "flag_values.h"
#include "ui/terminal_text.h"
#include "units.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kConnection = "Connection";
constexpr const char* kCredentials = "Credentials";
constexpr const char* kAws = "AWS";
constexpr const char* kOneSide = "Source or destinations alone";
constexpr const char* kOutput = "Output";

Result<std::chrono::milliseconds> duration(const char* flag, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed || parsed->count() == 0)
    return usage(std::string(flag) + " wants a time such as 30s, 5m or 1h");
  return *parsed;
}

/// The registries that arguments name, as references write them; files and what is malformed are passed over.
std::set<std::string> registries_of(const std::vector<std::string>& arguments, Side side) {
  std::set<std::string> hosts;
  for (const std::string& text : arguments) {
    if (std::string host = registry_of(text, side); !host.empty()) hosts.insert(std::move(host));
  }
  return hosts;
}

std::set<std::string> registries_of(const Arguments& arguments) {
  std::set<std::string> hosts = registries_of(arguments.sources, Side::source);
  hosts.merge(registries_of(arguments.destinations, Side::destination));
  return hosts;
}

/// Whether what was taken for a file could be an image as well.
bool may_name_image(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(arguments, [](const std::string& each) {
    return !registry_of(as_image(each), Side::destination).empty();
  });
}

bool has_short_name(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(arguments, [](const std::string& each) { return each.starts_with("ecr:"); });
}

bool has_short_name(const Arguments& arguments) {
  return has_short_name(arguments.sources) || has_short_name(arguments.destinations);
}

Result<Credential> credential_of(const CredentialFlags& flags, bool password_stdin,
                                 const std::string& prefix) {
  Credential given;
  if (flags.creds) {
    const std::string flag = "--" + prefix + "creds";
    const auto colon = flags.creds->find(':');
    given.username = flags.creds->substr(0, colon);
    if (password_stdin) {
      if (colon != std::string::npos)
        return usage(flag + " has a password and --password-stdin reads another",
                     "write " + flag + " USER --password-stdin");
      auto password = read_password();
      if (!password) return password.error();
      given.password = *std::move(password);
    } else if (colon == std::string::npos) {
      return usage(flag + " without a password",
                   "write " + flag + " USER --password-stdin and give the password on standard input");
    } else {
      given.password = Secret(flags.creds->substr(colon + 1));
    }
  }
  if (flags.registry_token) given.registry_token = Secret(*flags.registry_token);
  return given;
}

}  // namespace

CLI::Option* with_environment(CLI::Option* option) {
  std::string name = "DAVIT_" + option->get_lnames().front();
  for (char& c : name) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return option->envname(name);
}

std::string as_image(const std::string& text) {
  return text.starts_with("ecr:") || text.starts_with("docker://") ? text : "docker://" + text;
}

bool was_typed(const CLI::App& command, const std::string& name) {
  return std::ranges::any_of(command.parse_order(),
                             [&](const CLI::Option* each) { return each->check_name(name); });
}

CLI::Option* add_tls_verify(CLI::App& command, const std::string& names, std::optional<bool>& verify,
                            const std::string& help) {
  // CLI11 would count into an optional, and set it when the flag is absent.
  return command.add_flag_function(
      names, [&verify](std::int64_t count) { verify = count > 0; }, help);
}

void add_choice(CLI::App& command, const std::string& yes, const std::string& no, std::optional<bool>& choice,
                const std::string& help, const std::string& opposite_help) {
  with_environment(command.add_flag_function(
      yes, [&choice](std::int64_t count) { choice = count > 0; }, help));
  // CLI11 calls this one after the other, whatever the order on the command line.
  with_environment(command.add_flag_function(
      no,
      [&command, &choice, yes, no](std::int64_t count) {
        const std::vector<CLI::Option*>& typed = command.parse_order();
        const auto last = std::find_if(typed.rbegin(), typed.rend(), [&](const CLI::Option* each) {
          return each->check_name(yes) || each->check_name(no);
        });
        if (last == typed.rend() || (*last)->check_name(no)) choice = count <= 0;
      },
      opposite_help));
}

void TrustFlags::add_to(CLI::App& command) {
  const auto add = [&](const char* group, CLI::Option* option) {
    return with_environment(option)->group(group);
  };
  add(kCredentials, command.add_option("--allow-realm", allow_realms,
                                       "let this token service see the registry's credentials"))
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false);
  command.add_option("--config", config, "configuration file ($DAVIT_CONFIG, ~/.config/davit/config.yaml)")
      ->type_name("YAML")
      ->group(kConnection);
  add(kConnection, add_tls_verify(command, "--tls-verify{true}", tls_verify,
                                  "--tls-verify=false accepts any certificate (never plain HTTP)"));
  add(kConnection, command.add_flag("--plain-http", plain_http, "talk HTTP without TLS to the registry"));
  add(kConnection, command.add_option("--ca-file", ca_file, "trust this certificate authority too"))
      ->type_name("PEM");
  add(kConnection, command.add_option("--cert-file", cert_file, "client certificate"))->type_name("PEM");
  add(kConnection, command.add_option("--key-file", key_file, "key of the client certificate"))
      ->type_name("PEM");
  add(kConnection,
      command.add_option("--cert-dir", cert_dir, "certificates of the registry: *.crt, *.cert with *.key"))
      ->type_name("DIR");
  command.add_flag("--insecure", insecure)->group("");
}

/// What was said on the command line, over what the configuration file says.
void TrustFlags::apply(RegistryOptions& registry) const {
  // Whoever speaks of certificates means TLS, on loopback too.
  if (tls_verify || !ca_file.empty() || !cert_dir.empty()) registry.plain_http = false;
  if (plain_http) registry.plain_http = true;
  if (tls_verify) registry.verify_tls = *tls_verify;
  if (!ca_file.empty()) registry.ca_file = ca_file;
  if (!cert_file.empty()) registry.cert_file = cert_file;
  if (!key_file.empty()) registry.key_file = key_file;
  if (!cert_dir.empty()) registry.certificate_directory = cert_dir;
  registry.allow_realms.insert(registry.allow_realms.end(), allow_realms.begin(), allow_realms.end());
}

Result<ClientOptions> TrustFlags::settings() const {
  ClientOptions options = ClientOptions::from_environment();
  if (auto read = options.read_configuration(config); !read) return read.error();
  return options;
}

Result<ClientOptions> TrustFlags::client_options() const {
  if (insecure)
    return usage("--insecure means different things to different tools",
                 "--tls-verify=false accepts any certificate, --plain-http leaves TLS out");
  if (cert_file.empty() != key_file.empty()) return usage("--cert-file and --key-file go together");
  auto options = known ? Result<ClientOptions>(*known) : settings();
  if (!options) return options;
  for (auto& [host, registry] : options->registries) apply(registry);
  apply(options->any_registry);
  return options;
}

void AwsFlags::add_to(CLI::App& command, const std::string& prefix, const std::string& whose) {
  prefix_ = prefix;
  const auto add = [&](const std::string& name, std::string& into, const std::string& help) {
    return with_environment(command.add_option("--" + prefix + name, into, help + whose))
        ->group(prefix.empty() ? kAws : kOneSide);
  };
  add("profile", profile, "AWS profile")->type_name("NAME");
  add("role-arn", role_arn, "AWS role to assume")->type_name("ARN");
  add("region", region, "AWS region for ecr: names and STS")->type_name("REGION");
}

void IdentityFlags::add_to(CLI::App& command) {
  aws.add_to(command, "", "");
  trust.add_to(command);
}

Result<ClientOptions> IdentityFlags::client_options() const {
  auto options = trust.client_options();
  if (options) options->aws = aws.identity();
  return options;
}

Result<NewRepository> parse_new_repository(const std::string& text) {
  NewRepository out;
  std::string_view left =
      text == "yes" || text == "true" || text == "1" ? std::string_view() : std::string_view(text);
  while (!left.empty()) {
    const std::string_view word = left.substr(0, left.find(','));
    left.remove_prefix(std::min(word.size() + 1, left.size()));
    if (word == "immutable") {
      out.immutable = true;
    } else if (word == "scan") {
      out.scan = true;
    } else if (word == "kms") {
      out.kms_key = "default";
    } else if (word.starts_with("kms=") && word.size() > 4) {
      out.kms_key = word.substr(4);
    } else {
      return usage("--create-repo=" + text + ": \"" + std::string(word) + "\" is not known",
                   "immutable, scan and kms[=KEY] are, separated by commas");
    }
  }
  return out;
}

bool CredentialFlags::typed() const {
  return app_ != nullptr &&
         (was_typed(*app_, "--" + prefix_ + "creds") || was_typed(*app_, "--" + prefix_ + "registry-token"));
}

void CredentialFlags::add_to(CLI::App& command, const std::string& prefix, const std::string& whose) {
  app_ = &command;
  prefix_ = prefix;
  const auto add = [&](const std::string& name, std::optional<std::string>& into, const std::string& help) {
    return with_environment(command.add_option("--" + prefix + name, into, help + whose))
        ->group(prefix.empty() ? kCredentials : kOneSide);
  };
  add("creds", creds, "credentials for the registry; with --password-stdin only the user")
      ->type_name("USER[:PASS]");
  add("authfile", authfile, "use this Docker or Podman auth file and no other")->type_name("FILE");
  add("registry-token", registry_token, "a bearer token that is ready for use")->type_name("TOKEN");
}

void ConnectionFlags::add_to(CLI::App& command) {
  const auto add = [&](const char* group, CLI::Option* option) {
    return with_environment(option)->group(group);
  };
  trust.add_to(command);
  add(kCredentials, command.add_flag("--password-stdin", password_stdin,
                                     "read the password for --creds from standard input"));
  credentials.add_to(command, "", "");
  add_tls_verify(command, "--src-tls-verify{true}", source_tls_verify, "")->group("");
  add_tls_verify(command, "--dest-tls-verify{true}", dest_tls_verify, "")->group("");
  add(kConnection,
      command.add_option("-j,--jobs,--image-parallel-copies,--concurrency", jobs, "transfers at once (16)"))
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  add(kConnection, command.add_option("--retries,--retry-times", retries, "tries of one request (5)"))
      ->type_name("N")
      ->check(CLI::Range(1, 50));
  add(kConnection, command.add_option("--timeout", timeout, "give up after this time"))
      ->type_name("TIME")
      ->check(not_empty());
  add(kConnection, command.add_option("--stall-timeout", stall_timeout,
                                      "give a connection up after this time without a byte (30s)"))
      ->type_name("TIME")
      ->check(not_empty());
  add(kConnection, command.add_option("--limit-rate", limit_rate,
                                      "bytes per second and direction; K, M, G are powers of 1024"))
      ->type_name("RATE")
      ->check(not_empty());
  add(kConnection, command.add_option("--tmpdir", tmpdir,
                                      "where pipes and compressed archives are unpacked ($TMPDIR or /tmp)"))
      ->type_name("DIR");
}

Result<ClientOptions> ConnectionFlags::client_options(int verbosity, const Arguments& arguments,
                                                      CredentialScope scope) const {
  auto settings = trust.client_options();
  if (!settings) return settings.error();
  ClientOptions options = *std::move(settings);
  options.aws = aws.identity();
  options.source_aws = source_aws.identity();
  options.destination_aws = destination_aws.identity();

  Arguments unprefixed = arguments;
  if (scope == CredentialScope::sources) unprefixed.destinations.clear();
  if (scope == CredentialScope::destinations) unprefixed.sources.clear();
  struct Given {
    const CredentialFlags& flags;
    std::string prefix;
    Arguments arguments;
    std::vector<std::shared_ptr<CredentialSource>>& into;
  };
  const Given all[] = {{credentials, "", unprefixed, options.credentials},
                       {source_credentials,
                        "src-",
                        {.sources = arguments.sources, .destinations = {}},
                        options.source_credentials},
                       {destination_credentials,
                        "dest-",
                        {.sources = {}, .destinations = arguments.destinations},
                        options.destination_credentials}};
  if (scope == CredentialScope::both && credentials.named() && registries_of(arguments).size() > 1)
    return usage("--creds and --registry-token: for which of the registries?",
                 "write --src-creds or --dest-creds, --src-registry-token or --dest-registry-token");
  if (password_stdin && !credentials.creds && !source_credentials.creds && !destination_credentials.creds)
    return usage("--password-stdin without a user", "write --creds USER --password-stdin");
  for (const Given& given : all) {
    if (given.flags.authfile) {
      if (::access(given.flags.authfile->c_str(), R_OK) != 0) {
        Error error = usage("--" + given.prefix + "authfile " + *given.flags.authfile +
                            ": there is no such file, or it cannot be read");
        error.code = Errc::local_io;
        return error;
      }
      DockerConfigOptions docker = options.docker;
      docker.auth_file = *given.flags.authfile;
      docker.chosen = true;
      if (given.prefix.empty()) options.docker = docker;
      given.into = {docker_config_credentials(docker)};
    }
    if (!given.flags.named()) continue;
    if (has_short_name(given.arguments))
      return usage("--" + given.prefix + "creds and --" + given.prefix +
                       "registry-token want to know the registry, and ecr: leaves it out",
                   "write the registry's host name: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPO:TAG");
    // A password from standard input belongs to the one that has none.
    const bool asks = password_stdin && given.flags.creds &&
                      (given.prefix.empty() || given.flags.creds->find(':') == std::string::npos);
    auto credential = credential_of(given.flags, asks, given.prefix);
    if (!credential) return credential.error();
    const std::set<std::string> hosts = registries_of(given.arguments);
    if (hosts.empty() && given.flags.typed() &&
        (may_name_image(given.arguments.sources) || may_name_image(given.arguments.destinations))) {
      return usage("--" + given.prefix + "creds and --" + given.prefix +
                       "registry-token: no argument names a registry that they could be for",
                   "write the registry's host name, as in docker.io/team/app");
    }
    for (const std::string& host : hosts)
      given.into.insert(given.into.begin(), fixed_credentials(host, *credential));
  }

  struct Verified {
    const std::optional<bool>& verify;
    const std::vector<std::string>& named;
    Side side;
  };
  const Verified sides[] = {{source_tls_verify, arguments.sources, Side::source},
                            {dest_tls_verify, arguments.destinations, Side::destination}};
  for (const Verified& one : sides) {
    if (!one.verify) continue;
    if (has_short_name(one.named))
      return usage("--src-tls-verify and --dest-tls-verify want to know the registry, and ecr: leaves it out",
                   "write the registry's host name, or --tls-verify");
    for (const std::string& host : registries_of(one.named, one.side)) {
      RegistryOptions registry =
          options.registries.contains(host) ? options.registries.at(host) : options.any_registry;
      if (!trust.plain_http) registry.plain_http = false;
      registry.verify_tls = *one.verify;
      options.registries[host] = registry;
    }
  }

  if (jobs) options.jobs = *jobs;
  if (retries) options.retries = *retries;
  if (!stall_timeout.empty()) {
    auto parsed = duration("--stall-timeout", stall_timeout);
    if (!parsed) return parsed.error();
    options.stall_timeout = *parsed;
  }
  if (!limit_rate.empty()) {
    const auto parsed = parse_size(limit_rate);
    if (!parsed || *parsed == 0) return usage("--limit-rate wants bytes per second such as 20M or 512K");
    options.limit_rate = *parsed;
  }
  if (!tmpdir.empty()) options.temporary_directory = tmpdir;
  if (verbosity > 0) {
    options.log_level = verbosity > 2 ? LogLevel::trace : verbosity > 1 ? LogLevel::debug : LogLevel::info;
    options.log = [](const LogRecord& record) {
      std::string line = record.component + ": " + record.event;
      for (const LogField& field : record.fields) line += " " + field.name + "=" + field.value;
      say(line);
    };
  } else {
    options.log_level = LogLevel::warning;
    options.log = [](const LogRecord& record) {
      std::string line = "warning: " + record.event;
      for (const LogField& field : record.fields) line += " " + field.name + "=" + field.value;
      say(line);
    };
  }
  return options;
}

Result<std::optional<std::chrono::milliseconds>> ConnectionFlags::time_limit() const {
  if (timeout.empty()) return std::optional<std::chrono::milliseconds>();
  auto parsed = duration("--timeout", timeout);
  if (!parsed) return parsed.error();
  return std::optional(*parsed);
}

void OutputFlags::add_to(CLI::App& command) {
  with_environment(
      command.add_flag("-q,--quiet", quiet, "no notes, and no progress unless --progress asks for it"))
      ->group(kOutput);
  with_environment(command.add_flag("-v,--verbose", verbose, "say what happens; -vv and -vvv say more"))
      ->group(kOutput);
  with_environment(command.add_option("--progress", progress, "auto, bar, plain, json or none"))
      ->check(CLI::IsMember({"auto", "bar", "plain", "json", "none"}))
      ->type_name("STYLE")
      ->group(kOutput);
}

ProgressStyle OutputFlags::style() const {
  if (progress == "json") return ProgressStyle::json;
  if (progress == "bar") return ProgressStyle::bar;
  if (progress == "plain") return ProgressStyle::plain;
  if (progress == "none" || quiet) return ProgressStyle::none;
  const char* terminal = std::getenv("TERM");
  const bool bars = stderr_is_terminal() && std::getenv("CI") == nullptr && terminal != nullptr &&
                    std::string_view(terminal) != "dumb";
  return bars ? ProgressStyle::bar : ProgressStyle::plain;
}

Result<Secret> read_password() {
  std::string line;
  char byte = 0;
  ssize_t count = 0;
  while ((count = ::read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n') {
    if (line.size() == 64 << 10) return usage("the password on standard input is longer than 64 KiB");
    line += byte;
  }
  if (count < 0) {
    Error error = usage("the password could not be read: " + std::string(std::strerror(errno)));
    error.code = errno == EINTR ? Errc::cancelled : Errc::local_io;
    return error;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return usage("no password on standard input");
  return Secret(std::move(line));
}

}  // namespace davit::tool
