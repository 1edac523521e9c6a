#include "auth/helper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "auth/subprocess.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"

namespace davit::auth {
namespace {

bool is_name(std::string_view name) {
  const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= 64 && name.front() != '-' && name.front() != '.' &&
         std::ranges::all_of(name, fits);
}

bool is_server(std::string_view server) {
  return !server.empty() && server.size() <= 1024 &&
         std::ranges::all_of(server, [](char c) { return c > ' ' && c < 0x7f; });
}

/// The answers that mean "I have none", of the helpers in use.
bool says_not_found(std::string_view output) {
  return output.find("credentials not found") != std::string_view::npos ||
         output.find("The specified item could not be found in the keychain") != std::string_view::npos;
}

std::string find_program(const Helper& helper) {
  const std::string file = "/docker-credential-" + helper.name;
  std::string_view rest = helper.path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string_view folder = rest.substr(0, colon);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    if (!folder.starts_with('/')) continue;
    std::string program = std::string(folder) + file;
    struct stat facts {};
    if (::stat(program.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
        ::access(program.c_str(), X_OK) == 0)
      return program;
  }
  return {};
}

Result<ProcessResult> run(const Helper& helper, const char* action, const std::string& server,
                          const Secret& input, const CallContext& context) {
  if (!is_name(helper.name)) {
    return make_error(Errc::invalid_argument,
                      "\"" + escaped(helper.name, 60) + "\" is no name of a credential helper");
  }
  if (!is_server(server))
    return make_error(Errc::invalid_argument, "\"" + escaped(server, 60) + "\" is no name of a registry");
  const std::string who = "credential helper docker-credential-" + helper.name;
  const std::string program = find_program(helper);
  if (program.empty()) {
    return make_error(Errc::unavailable, who + ": no such program on PATH",
                      "install it, or take it out of credsStore or credHelpers in Docker's config.json");
  }
  auto result = run_process(program, {action}, input, {.time = helper.limit}, context);
  if (!result) return result.error().with_context(who);
  return result;
}

Error failure(const Helper& helper, const char* action, const ProcessResult& result) {
  // Its output may hold a secret, so it is not repeated.
  return make_error(Errc::unavailable,
                    "credential helper docker-credential-" + helper.name + ": " + action +
                        " ended with status " + std::to_string(result.exit_status),
                    "docker-credential-" + helper.name + " " + action + " on the command line says why");
}

}  // namespace

Result<std::optional<Credential>> Helper::get(const std::string& server, const CallContext& context) const {
  DAVIT_TRY(const ProcessResult result, run(*this, "get", server, Secret(server + "\n"), context));
  const std::string& output = result.output.reveal();
  if (result.exit_status > 0) {
    if (says_not_found(output)) return std::optional<Credential>();
    return failure(*this, "get", result);
  }
  const auto document = parse_json(output, {.bytes = 256u << 10, .depth = 8, .values = 100});
  if (!document || !document->is_object()) {
    if (says_not_found(output))
      return std::optional<Credential>();  // the status is unknown when the host ignores SIGCHLD
    return make_error(Errc::protocol,
                      "credential helper docker-credential-" + name + ": its answer is not a JSON object");
  }
  Credential credential{.username = json_text(*document, "Username")};
  Secret secret(json_text(*document, "Secret"));
  if (secret.empty()) return std::optional<Credential>();
  if (credential.username == "<token>") {
    credential.username.clear();
    credential.identity_token = std::move(secret);
  } else {
    credential.password = std::move(secret);
  }
  return std::optional(std::move(credential));
}

Result<> Helper::store(const std::string& server, const Credential& credential,
                       const CallContext& context) const {
  const bool token = !credential.identity_token.empty();
  const Secret& secret = token ? credential.identity_token : credential.password;
  if (!is_utf8(secret.reveal()) || !is_utf8(credential.username)) {
    return make_error(Errc::invalid_argument,
                      "credential helpers take UTF-8 only; this user name or password is not");
  }
  const nlohmann::json document = {{"ServerURL", server},
                                   {"Username", token ? std::string("<token>") : credential.username},
                                   {"Secret", secret.reveal()}};
  const Secret input(document.dump());
  DAVIT_TRY(const ProcessResult result, run(*this, "store", server, input, context));
  if (result.exit_status > 0) return failure(*this, "store", result);
  return {};
}

Result<bool> Helper::erase(const std::string& server, const CallContext& context) const {
  DAVIT_TRY(const ProcessResult result, run(*this, "erase", server, Secret(server + "\n"), context));
  if (result.exit_status > 0 && says_not_found(result.output.reveal())) return false;
  if (result.exit_status > 0) return failure(*this, "erase", result);
  return true;
}

}  // namespace davit::auth
