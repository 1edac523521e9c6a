#include "auth/docker_config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "crypto/base64.h"
#include "model/json_fields.h"

namespace davit::auth {
namespace {

constexpr std::size_t kMaxFile = 4u << 20;

std::string normal_host(std::string_view host) {
  std::string out = lower_case(host);
  if (out.ends_with(":443")) out.resize(out.size() - 4);
  if (out == "index.docker.io" || out == "registry-1.docker.io") return "docker.io";
  return out;
}

/// A key applies to the repository it names and to all below it.
bool covers(const ConfigKey& key, const std::string& host, const std::string& repository) {
  if (key.host != host) return false;
  if (key.path.empty() || key.path == repository) return true;
  return repository.starts_with(key.path) && repository[key.path.size()] == '/';
}

}  // namespace

ConfigKey ConfigKey::parse(std::string_view key) {
  const std::string start = lower_case(key.substr(0, 8));
  const std::size_t scheme = start == "https://" ? 8 : start.starts_with("http://") ? 7 : 0;
  key.remove_prefix(scheme);
  const std::size_t slash = std::min(key.find('/'), key.size());
  std::string_view path = key.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  // A URL's path, and the API version that old clients appended, say nothing about repositories.
  if (scheme != 0 || path == "v1" || path == "v2") path = {};
  return {.host = normal_host(key.substr(0, slash)), .path = std::string(path)};
}

std::string config_key_for(const std::string& host) {
  return normal_host(host) == "docker.io" ? std::string(kDockerHubKey) : host;
}

Result<DockerConfig> DockerConfig::parse(std::string_view text, Format format) {
  DockerConfig config;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return config;
  DAVIT_TRY(const nlohmann::json document,
            parse_json(text, {.bytes = kMaxFile, .depth = 32, .values = 100'000}));
  if (!document.is_object()) return make_error(Errc::corrupt, "not a JSON object");

  const nlohmann::json* entries = &document;
  if (format == Format::config) {
    DAVIT_TRY(config.store_, model::text_field(document, "credsStore"));
    DAVIT_TRY(const auto helpers, model::text_map_field(document, "credHelpers"));
    for (const auto& [key, helper] : helpers) config.helpers_.emplace(ConfigKey::parse(key).host, helper);
    const auto found = document.find("auths");
    if (found == document.end() || found->is_null()) return config;
    entries = &*found;
  }
  if (!entries->is_object()) return make_error(Errc::corrupt, "auths is not an object");

  for (const auto& [name, value] : entries->items()) {
    if (!value.is_object()) continue;
    const nlohmann::json& fields = value;
    Entry entry{.key = ConfigKey::parse(name), .name = name};
    // A wrong type hurts only those who need this very entry.
    const auto text_of = [&](const char* field) {
      auto read = model::text_field(fields, field);
      if (read) return *std::move(read);
      entry.problem = read.error().message;
      return std::string();
    };
    entry.auth = Secret(text_of("auth"));
    entry.credential.username = text_of("username");
    entry.credential.password = Secret(text_of("password"));
    entry.credential.identity_token = Secret(text_of("identitytoken"));
    entry.credential.registry_token = Secret(text_of("registrytoken"));
    config.entries_.push_back(std::move(entry));
  }
  return config;
}

Result<std::optional<Credential>> DockerConfig::decode(const Entry& entry) {
  const auto corrupt = [&](const std::string& why) {
    return make_error(Errc::corrupt, "the entry \"" + escaped(entry.name, 100) + "\": " + why);
  };
  if (!entry.problem.empty()) return corrupt(entry.problem);
  Credential credential = entry.credential;
  std::string_view encoded = entry.auth.reveal();
  while (!encoded.empty() && std::string_view(" \t\r\n").find(encoded.back()) != std::string_view::npos)
    encoded.remove_suffix(1);
  if (!encoded.empty()) {
    auto decoded = crypto::base64_decode(encoded);
    if (!decoded) return corrupt("auth is not base64");
    const Secret pair(*std::move(decoded));
    const std::string_view text = pair.reveal();
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return corrupt("auth is not USER:PASSWORD");
    std::string_view password = text.substr(colon + 1);
    while (password.ends_with('\0')) password.remove_suffix(1);  // some writers count C's terminator in
    credential.username = std::string(text.substr(0, colon));
    credential.password = Secret(std::string(password));
  }
  const bool empty =
      credential.password.empty() && credential.identity_token.empty() && credential.registry_token.empty();
  if (empty) return std::optional<Credential>();
  return std::optional(std::move(credential));
}

Result<std::optional<Credential>> DockerConfig::find(const std::string& host,
                                                     const std::string& repository) const {
  const std::string wanted = normal_host(host);
  const std::string exact = config_key_for(host);
  std::vector<const Entry*> candidates;
  for (const Entry& entry : entries_) {
    if (covers(entry.key, wanted, repository)) candidates.push_back(&entry);
  }
  std::ranges::stable_sort(candidates, [&](const Entry* one, const Entry* other) {
    if (one->key.path.size() != other->key.path.size()) return one->key.path.size() > other->key.path.size();
    return one->name == exact && other->name != exact;
  });
  for (const Entry* entry : candidates) {
    DAVIT_TRY(auto credential, decode(*entry));
    if (credential) return credential;
  }
  return std::optional<Credential>();
}

std::string DockerConfig::helper_for(const std::string& host) const {
  const auto own = helpers_.find(normal_host(host));
  return own == helpers_.end() ? store_ : own->second;
}

std::vector<AuthFile> auth_files(const DockerConfigOptions& options) {
  using enum AuthFile::Absence;
  using Format = DockerConfig::Format;
  if (!options.auth_file.empty()) return {{options.auth_file, Format::config, error}};
  std::vector<AuthFile> files;
  if (!options.xdg_runtime_dir.empty()) {
    files.push_back({options.xdg_runtime_dir + "/containers/auth.json", Format::config, fine});
  } else if (options.uid) {
    // Nobody asked for this place, and it may belong to somebody else.
    files.push_back({"/run/containers/" + std::to_string(*options.uid) + "/auth.json", Format::config,
                     fine_if_unreadable});
  }
  if (!options.xdg_config_home.empty()) {
    files.push_back({options.xdg_config_home + "/containers/auth.json", Format::config, fine});
  } else if (!options.home.empty()) {
    files.push_back({options.home + "/.config/containers/auth.json", Format::config, fine});
  }
  if (const auto docker = writable_auth_file(options); docker)
    files.push_back({*docker, Format::config, fine});
  if (!options.home.empty()) files.push_back({options.home + "/.dockercfg", Format::dockercfg, fine});
  return files;
}

Result<std::string> writable_auth_file(const DockerConfigOptions& options) {
  if (!options.auth_file.empty()) return options.auth_file;
  if (!options.docker_config.empty()) return options.docker_config + "/config.json";
  if (!options.home.empty()) return options.home + "/.docker/config.json";
  return make_error(Errc::invalid_argument, "no place for credentials: neither HOME nor DOCKER_CONFIG is set",
                    "name a file with --authfile");
}

Result<std::optional<Secret>> read_auth_file(const AuthFile& file) {
  using Absence = AuthFile::Absence;
  const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    if (absent && file.absence != Absence::error) return std::optional<Secret>();
    if (errno == EACCES && file.absence == Absence::fine_if_unreadable) return std::optional<Secret>();
    return errno_error("open " + escaped(file.path), errno);
  }
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return errno_error("read " + escaped(file.path), errno);
  if (!S_ISREG(facts.st_mode))
    return make_error(Errc::local_io, "read " + escaped(file.path) + ": not a regular file");
  if (facts.st_size > static_cast<off_t>(kMaxFile)) {
    return make_error(Errc::corrupt,
                      escaped(file.path) + ": more than " + std::to_string(kMaxFile) + " bytes");
  }
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::read(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read " + escaped(file.path), errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  text.resize(done);
  return std::optional(Secret(std::move(text)));
}

}  // namespace davit::auth
