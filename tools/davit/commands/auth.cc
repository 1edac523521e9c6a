#include <chrono>
#include <iostream>
#include <iterator>
#include <memory>

#include <nlohmann/json.hpp>

#include <davit/timestamp.h>
#include <davit/version.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

/// What helpers say when they know nothing; docker and podman go on without credentials then.
constexpr const char* kNotFound = "credentials not found in native keychain";
constexpr std::size_t kLongestServer = 4096;

constexpr const char* kToken = R"(print a password for a registry; for ECR a fresh one

For ECR it is good for user AWS, for twelve hours at most. For others it is what Docker's files and helpers
have.)";

constexpr const char* kGet = R"(answer as a Docker credential helper

The registry comes on standard input, the answer is JSON on standard output. The same program under the name
docker-credential-davit is that helper: with "credHelpers": {"HOST": "davit"} in Docker's configuration, docker,
podman and skopeo use it.)";

struct Flags {
  std::string registry;
  bool json = false;
  IdentityFlags identity;
};

/// The protocol of credential helpers: failures are told on standard output.
int get(const Flags& flags, const Signals& signals) {
  std::string server = flags.registry;
  if (server.empty()) {
    std::istream_iterator<char> end;
    std::cin >> std::noskipws;
    for (std::istream_iterator<char> at(std::cin); at != end && server.size() < kLongestServer; ++at)
      server += *at;
    while (!server.empty() && (server.back() == '\n' || server.back() == '\r' || server.back() == ' '))
      server.pop_back();
  }
  if (server.empty()) {
    static_cast<void>(print("no credentials server URL\n"));
    return kOther;
  }
  auto options = flags.identity.client_options();
  if (!options) return fail(options.error());
  Client client(*std::move(options));
  const auto login = client.login_for(server, signals.stop());
  if (!login) {
    const bool none = login.error().code == Errc::not_found;
    static_cast<void>(print((none ? std::string(kNotFound) : "davit: " + login.error().to_string()) + "\n"));
    if (!none) complain(login.error().to_string(), login.error().hint);
    return none ? kOther : exit_code(login.error().code);
  }
  const nlohmann::json answer = {
      {"ServerURL", login->server}, {"Username", login->username}, {"Secret", login->password.reveal()}};
  return print(answer.dump() + "\n") ? kOk : kLocal;
}

int token(const Flags& flags, const Signals& signals) {
  auto options = flags.identity.client_options();
  if (!options) return fail(options.error());
  Client client(*std::move(options));
  const auto login = client.login_for(flags.registry, signals.stop());
  if (!login)
    return login.error().code == Errc::not_found ? (fail(login.error()), kDenied) : fail(login.error());
  return print(login->password.reveal() + "\n") ? kOk : kLocal;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return format_timestamp(std::chrono::floor<std::chrono::seconds>(time));
}

int whoami(const Flags& flags, const Signals& signals) {
  auto options = flags.identity.client_options();
  if (!options) return fail(options.error());
  Client client(*std::move(options));
  const auto caller = client.aws_caller(flags.registry, signals.stop());
  if (!caller) return fail(caller.error());
  if (flags.json) {
    nlohmann::json out = {{"account", caller->account}, {"arn", caller->arn},
                          {"userId", caller->user_id},  {"keyId", caller->key_id},
                          {"source", caller->source},   {"region", caller->region}};
    if (caller->expires) out["expires"] = time_text(*caller->expires);
    return print(out.dump() + "\n") ? kOk : kLocal;
  }
  std::string text = "account  " + caller->account + "\narn      " + caller->arn + "\nkey      " +
                     caller->key_id + "\nfrom     " + caller->source + "\nregion   " +
                     (caller->region.empty() ? "(none)" : caller->region) + "\n";
  if (caller->expires) text += "expires  " + time_text(*caller->expires) + "\n";
  return print(text) ? kOk : kLocal;
}

}  // namespace

void add_whoami(CLI::App& command, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* who = command.add_subcommand("whoami", "say who AWS takes you for, and where that comes from");
  who->add_option("REGISTRY", flags->registry, "ask as for this registry");
  with_environment(who->add_flag("--json", flags->json, "one JSON object"));
  flags->identity.add_to(*who);
  who->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return whoami(*flags, signals); }; });
}

void add_auth(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("auth", "show credentials; be a credential helper for Docker");
  command->require_subcommand(1);
  add_whoami(*command, action);
  const auto add = [&](const char* name, const char* help, const char* argument, bool required,
                       int (*run)(const Flags&, const Signals&)) {
    auto flags = std::make_shared<Flags>();
    CLI::App* sub = command->add_subcommand(name, help);
    CLI::Option* registry = sub->add_option("REGISTRY", flags->registry, argument);
    if (required) registry->required();
    flags->identity.add_to(*sub);
    sub->callback([flags, run, &action] {
      action = [flags, run](const Signals& signals) { return run(*flags, signals); };
    });
  };
  add("token", kToken, "host or host:port", true, token);
  add("get", kGet, "instead of standard input", false, get);
  // The rest of the helper protocol: davit keeps nothing of its own.
  for (const char* name : {"store", "erase"}) {
    command->add_subcommand(name)->group("")->callback([&action] {
      action = [](const Signals&) {
        static_cast<void>(print("not implemented\n"));
        return kOther;
      };
    });
  }
  command->add_subcommand("list")->group("")->callback(
      [&action] { action = [](const Signals&) { return print("{}\n") ? kOk : kLocal; }; });
  command->add_subcommand("version")->group("")->callback([&action] {
    action = [](const Signals&) {
      return print("docker-credential-davit " DAVIT_VERSION "\n") ? kOk : kLocal;
    };
  });
}

}  // namespace davit::tool
