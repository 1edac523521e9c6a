// The only place where the library reads the environment.

#include <cstdlib>
#include <string>

#include <unistd.h>

#include <davit/client.h>

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
  return options;
}

}  // namespace davit
