#include "auth/config_editor.h"

#include <filesystem>
#include <functional>
#include <vector>

#include <nlohmann/json.hpp>

#include "auth/docker_config.h"
#include "auth/helper.h"
#include "auth/secret_file.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "crypto/base64.h"

namespace davit::auth {
namespace {

using Document = nlohmann::ordered_json;  // the file keeps its order

/// The file as it is, parsed for editing. It has passed DockerConfig::parse, so it is an object and free of
/// surprises.
Document editable(const std::string& text) {
  Document document =
      Document::parse(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text, nullptr, false);
  return document.is_object() ? document : Document::object();
}

/// The keys of `auths` that stand for the whole host.
std::vector<std::string> keys_of(const Document& document, const std::string& host) {
  std::vector<std::string> keys;
  const auto auths = document.find("auths");
  if (auths == document.end() || !auths->is_object()) return keys;
  const ConfigKey wanted = ConfigKey::parse(config_key_for(host));
  for (const auto& [name, value] : auths->items()) {
    const ConfigKey key = ConfigKey::parse(name);
    if (key.host == wanted.host && key.path.empty()) keys.push_back(name);
  }
  return keys;
}

Document entry_for(const Credential& credential) {
  Document entry = Document::object();
  // Beside an identity token Docker keeps only the name.
  const bool token = !credential.identity_token.empty();
  entry["auth"] = crypto::base64_encode(credential.username + ":" +
                                        (token ? std::string() : credential.password.reveal()));
  if (token) entry["identitytoken"] = credential.identity_token.reveal();
  return entry;
}

/// Another file that answers for the host: the first one of the search, unless it is `own`.
std::string other_place(const DockerConfigOptions& options, const std::string& own, const std::string& host) {
  if (!options.auth_file.empty()) return {};
  const auto holds = [&](const std::string& text, DockerConfig::Format format) {
    const auto config = DockerConfig::parse(text, format);
    if (!config) return false;
    const auto found = config->find(host, "");
    return found && found->has_value();
  };
  if (holds(options.docker_auth_config.reveal(), DockerConfig::Format::config)) return "DOCKER_AUTH_CONFIG";
  for (const AuthFile& file : auth_files(options)) {
    if (file.path == own) continue;
    const auto text = read_auth_file(file);
    if (text && *text && holds((*text)->reveal(), file.format)) return file.path;
  }
  return {};
}

/// Whether `place` is asked before `own`.
bool comes_first(const DockerConfigOptions& options, const std::string& place, const std::string& own) {
  for (const AuthFile& file : auth_files(options)) {
    if (file.path == own) return false;
    if (file.path == place) return true;
  }
  return place == "DOCKER_AUTH_CONFIG";
}

struct OpenConfig {
  std::string path;
  DockerConfig config;
  Document document;
};

Result<OpenConfig> open_config(const std::string& path) {
  DAVIT_TRY(const std::optional<Secret> text, read_auth_file({.path = path}));
  auto config = DockerConfig::parse(text ? text->reveal() : std::string());
  if (!config) return config.error().with_context(escaped(path));
  return OpenConfig{.path = path,
                    .config = *std::move(config),
                    .document = editable(text ? text->reveal() : std::string())};
}

std::string helper_place(const std::string& name) {
  return "credential helper docker-credential-" + name;
}

}  // namespace

Result<StoredCredential> store_credential(const DockerConfigOptions& options, const std::string& host,
                                          const Credential& credential, const CallContext& context) {
  if (credential.username.find(':') != std::string::npos || !is_utf8(credential.identity_token.reveal()) ||
      !is_utf8(host)) {
    return make_error(Errc::invalid_argument,
                      "a user name with a colon, or a token that is not text, cannot be stored");
  }
  DAVIT_TRY(const std::string named, writable_auth_file(options));
  DAVIT_TRY(const SecretFile file, SecretFile::lock(named, context));
  DAVIT_TRY(OpenConfig open, open_config(file.path()));
  StoredCredential stored{.where = file.path()};

  const std::string key = config_key_for(host);
  const std::vector<std::string> old = keys_of(open.document, host);
  if (const std::string program = open.config.helper_for(host); !program.empty()) {
    const Helper helper{.name = program, .path = options.path, .limit = options.helper_timeout};
    DAVIT_TRY_VOID(helper.store(key, credential, context));
    stored.where = helper_place(program);
    // A password that was in the file before would outlive this login.
    for (const std::string& name : old) open.document["auths"][name] = Document::object();
    if (!old.empty()) DAVIT_TRY_VOID(file.replace(open.document.dump(1, '\t') + "\n"));
  } else {
    for (const std::string& name : old) open.document["auths"].erase(name);
    if (!open.document["auths"].is_object()) open.document["auths"] = Document::object();
    open.document["auths"][key] = entry_for(credential);
    DAVIT_TRY_VOID(file.replace(open.document.dump(1, '\t') + "\n"));
  }
  const std::string other = other_place(options, named, host);
  if (!other.empty() && comes_first(options, other, named)) stored.shadowed_by = other;
  return stored;
}

Result<ErasedCredential> erase_credential(const DockerConfigOptions& options, const std::string& host,
                                          const CallContext& context) {
  DAVIT_TRY(const std::string named, writable_auth_file(options));
  ErasedCredential erased{.where = named};
  std::error_code ignored;
  if (std::filesystem::exists(named, ignored)) {
    DAVIT_TRY(const SecretFile file, SecretFile::lock(named, context));
    DAVIT_TRY(OpenConfig open, open_config(file.path()));
    if (const std::string program = open.config.helper_for(host); !program.empty()) {
      const Helper helper{.name = program, .path = options.path, .limit = options.helper_timeout};
      DAVIT_TRY(erased.found, helper.erase(config_key_for(host), context));
      erased.where = helper_place(program);
    }
    const std::vector<std::string> old = keys_of(open.document, host);
    for (const std::string& name : old) open.document["auths"].erase(name);
    if (!old.empty()) {
      DAVIT_TRY_VOID(file.replace(open.document.dump(1, '\t') + "\n"));
      erased.found = true;
    }
  }
  erased.still_in = other_place(options, named, host);
  return erased;
}

}  // namespace davit::auth
