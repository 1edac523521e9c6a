#include <memory>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {

void add_logout(CLI::App& app, Action& action) {
  struct Flags {
    std::string host;
    std::optional<std::string> authfile;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("logout", "forget the credentials of a registry");
  command->add_option("REGISTRY", flags->host, "host or host:port (Docker Hub when left out)");
  with_environment(command->add_option("--authfile", flags->authfile,
                                       "change this file instead of Docker's configuration"))
      ->type_name("FILE");
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      ClientOptions options = ClientOptions::from_environment();
      if (flags->authfile) options.docker.auth_file = *flags->authfile;
      Client client(options);
      const auto where = client.logout(flags->host.empty() ? "docker.io" : flags->host, signals.stop());
      if (!where) return fail(where.error());
      say("removed from " + *where);
      return kOk;
    };
  });
}

}  // namespace davit::tool
