#include "support/docker_registry.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace davit::test {
namespace {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Adds what the options ask for, writing the files it refers to.
std::string configuration(const DockerRegistryOptions& options, const TempDir& dir,
                          const std::filesystem::path& storage) {
  std::ostringstream out;
  out << "version: 0.1\n"
         "log: {level: info, accesslog: {disabled: true}}\n"
         "storage:\n"
         "  filesystem: {rootdirectory: "
      << storage.string()
      << "}\n"
         "  delete: {enabled: true}\n"
         "  maintenance: {uploadpurging: {enabled: false}}\n"
         "http:\n"
         "  addr: 127.0.0.1:0\n"
         "  secret: tests\n";
  if (options.tls) {
    out << "  tls:\n"
           "    certificate: "
        << dir.write("cert.pem", options.tls->certificate_pem).string()
        << "\n    key: " << dir.write("key.pem", options.tls->key_pem).string() << "\n";
  }
  if (options.htpasswd) {
    const auto line = run({.argv = {"htpasswd", "-Bbn", "-C", "4", options.user, options.password}});
    if (line.exit_code != 0) throw std::runtime_error("htpasswd: " + line.err);
    out << "auth: {htpasswd: {realm: tests, path: " << dir.write("htpasswd", line.out).string() << "}}\n";
  }
  if (options.tokens != nullptr) {
    out << "auth:\n"
           "  token:\n"
           "    realm: "
        << options.tokens->realm() << "\n    service: " << options.tokens->options().service
        << "\n    issuer: " << options.tokens->options().issuer
        << "\n    rootcertbundle: " << dir.write("root.pem", options.tokens->root_certificate_pem()).string()
        << "\n";
  }
  return out.str();
}

}  // namespace

bool DockerRegistry::available() {
  return run({.argv = {"docker-registry", "--version"}}).exit_code == 0;
}

DockerRegistry::DockerRegistry(const DockerRegistryOptions& options)
    : storage_(dir_.path() / "storage"), tls_(options.tls.has_value()) {
  const auto config = dir_.write("config.yml", configuration(options, dir_, storage_));
  const auto log = dir_.path() / "log";
  process_ = std::make_unique<Process>(Command{.argv = {"docker-registry", "serve", config.string()},
                                               .env = {{"OTEL_TRACES_EXPORTER", "none"}},
                                               .stderr_file = log.string(),
                                               .stdout_file = log.string()});
  // It says where it listens in its log, and only there.
  const std::string sign = "listening on 127.0.0.1:";
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < limit) {
    const std::string text = read_file(log);
    const auto at = text.find(sign);
    const auto end = text.find_first_not_of("0123456789", at == std::string::npos ? at : at + sign.size());
    if (at != std::string::npos && end != std::string::npos) {
      authority_ = "127.0.0.1:" + text.substr(at + sign.size(), end - at - sign.size());
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("docker-registry did not start: " + read_file(log));
}

}  // namespace davit::test
