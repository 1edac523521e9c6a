// The only place where the library reads the environment.

#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <davit/client.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/configured_credentials.h"
#include "config/configuration.h"
#include "config/mirror_file.h"

namespace davit {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// Proxies are known in lower case too; upper-case HTTP_PROXY is ignored, because CGI puts a client's header
/// there.
std::string either(const char* lower, const char* upper) {
  std::string value = variable(lower);
  return value.empty() ? variable(upper) : value;
}

AwsEnvironment aws_variables() {
  AwsEnvironment out;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const std::string_view name = entry.substr(0, entry.find('='));
    const bool wanted = name.starts_with("AWS_") || name == "HOME" || name == "PATH" ||
                        name == "ACTIONS_ID_TOKEN_REQUEST_URL" || name == "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    if (wanted && name.size() + 1 < entry.size())
      out.variables[std::string(name)] = std::string(entry.substr(name.size() + 1));
  }
  return out;
}

/// "HOST=ACCOUNT.REGION[,ENDPOINT]" separated by white space: registries that are ECR without looking like
/// it. What does not have this form is passed over here and found out when the host is used.
std::vector<std::pair<std::string, EcrRegistry>> ecr_registries(const std::string& text) {
  std::vector<std::pair<std::string, EcrRegistry>> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string rest = word.substr(equals + 1);
    const std::string who = rest.substr(0, rest.find(','));
    EcrRegistry ecr{.account = who.substr(0, who.find('.')), .region = {}};
    if (const auto dot = who.find('.'); dot != std::string::npos) ecr.region = who.substr(dot + 1);
    if (who.size() < rest.size()) ecr.api_endpoint = rest.substr(who.size() + 1);
    out.emplace_back(word.substr(0, equals), std::move(ecr));
  }
  return out;
}

constexpr std::size_t kMostSmallFile = 64u << 10;

Error no_such_file(const std::string& path) {
  return make_error(Errc::local_io, "read " + escaped(path, 300) + ": there is no such file");
}

Result<std::string> existing_text(const std::string& path, std::size_t most) {
  DAVIT_TRY(std::optional<std::string> text, config::read_configuration_file(path, most));
  if (!text) return no_such_file(path);
  if (text->size() > most)
    return make_error(Errc::invalid_argument,
                      escaped(path, 300) + ": more than " + std::to_string(most) + " bytes");
  return *std::move(text);
}

/// What a file says about registries replaces what was known of them. Its credentials come first.
void add_registries(ClientOptions& options, std::map<std::string, config::Registry>&& registries) {
  std::vector<std::shared_ptr<CredentialSource>> sources;
  for (auto& [host, registry] : registries) {
    if (registry.credential) sources.push_back(fixed_credentials(host, *std::move(registry.credential)));
    if (!registry.credentials_variable.empty()) {
      sources.push_back(client::variable_credentials(
          host, registry.credentials_variable, Secret(variable(registry.credentials_variable.c_str()))));
    }
    if (!registry.helper.empty()) {
      sources.push_back(client::helper_credentials(
          host,
          {.name = registry.helper, .path = options.docker.path, .limit = options.docker.helper_timeout}));
    }
    RegistryOptions& known = options.registries[host];
    if (known.ecr) registry.options.ecr = std::move(known.ecr);  // DAVIT_ECR_REGISTRIES
    known = std::move(registry.options);
  }
  options.credentials.insert(options.credentials.begin(), sources.begin(), sources.end());
}

}  // namespace

ClientOptions ClientOptions::from_environment() {
  ClientOptions options;
  options.docker = {.auth_file = variable("REGISTRY_AUTH_FILE"),
                    .docker_auth_config = Secret(variable("DOCKER_AUTH_CONFIG")),
                    .xdg_runtime_dir = variable("XDG_RUNTIME_DIR"),
                    .xdg_config_home = variable("XDG_CONFIG_HOME"),
                    .docker_config = variable("DOCKER_CONFIG"),
                    .home = variable("HOME"),
                    .path = variable("PATH"),
                    .uid = ::getuid()};
  options.credentials = {docker_config_credentials(options.docker)};
  options.aws_environment = aws_variables();
  for (auto& [host, ecr] : ecr_registries(variable("DAVIT_ECR_REGISTRIES")))
    options.registries[host].ecr = std::move(ecr);
  options.http_proxy = variable("http_proxy");
  options.https_proxy = either("https_proxy", "HTTPS_PROXY");
  options.all_proxy = either("all_proxy", "ALL_PROXY");
  options.no_proxy = either("no_proxy", "NO_PROXY");
  if (!options.docker.home.empty())
    options.certificate_directories.push_back(options.docker.home + "/.config/containers/certs.d");
  options.certificate_directories.insert(options.certificate_directories.end(),
                                         {"/etc/containers/certs.d", "/etc/docker/certs.d"});
  options.system_ca_file = variable("SSL_CERT_FILE");
  options.system_ca_directory = variable("SSL_CERT_DIR");
  if (std::string directory = variable("TMPDIR"); !directory.empty()) options.temporary_directory = directory;
  options.source_date_epoch = variable("SOURCE_DATE_EPOCH");
  return options;
}

Result<> ClientOptions::read_configuration(const std::string& path) {
  std::string file = path.empty() ? variable("DAVIT_CONFIG") : path;
  const bool named = !file.empty();
  if (!named) {
    const std::string base = !docker.xdg_config_home.empty() ? docker.xdg_config_home
                             : docker.home.empty()           ? std::string()
                                                             : docker.home + "/.config";
    if (base.empty()) return {};
    file = base + "/davit/config.yaml";
  }
  DAVIT_TRY(const std::optional<std::string> text, config::read_configuration_file(file));
  if (!text && !named) return {};
  if (!text) return no_such_file(file);
  DAVIT_TRY(config::Configuration read, config::parse_configuration(*text, file));
  add_registries(*this, std::move(read.registries));
  return {};
}

Result<MirrorFile> ClientOptions::read_mirror_file(const std::string& path) {
  const bool piped = path == "-";
  const std::string shown = piped ? "standard input" : path;
  DAVIT_TRY(const std::string text, existing_text(piped ? "/dev/stdin" : path, config::kMostMirrorBytes));
  const config::MirrorSurroundings surroundings{
      .variables = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return {};
        return value;
      },
      .small_file = [](const std::string& file) { return existing_text(file, kMostSmallFile); }};
  DAVIT_TRY(config::MirrorSettings read, config::parse_mirror_file(text, shown, surroundings));
  add_registries(*this, std::move(read.registries));
  return std::move(read.file);
}

}  // namespace davit
