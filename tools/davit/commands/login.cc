#include <memory>
#include <stop_token>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

/// Until a line has been typed. A signal that comes just before a read() would not interrupt it, so what it
/// says is looked at again and again. False: it is time to end.
bool wait_for_line(const std::stop_token& stop) {
  pollfd terminal{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (!stop.stop_requested()) {
    if (::poll(&terminal, 1, 200) > 0) return true;
  }
  return false;
}

/// Asks on the terminal, with echo off for the answer.
Result<Secret> ask_password(const std::stop_token& stop) {
  termios before{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (!terminal) {
    return Error{.code = Errc::invalid_argument,
                 .message = "no password, and standard input is not a terminal to ask on",
                 .hint = "write davit login -u USER --password-stdin REGISTRY"};
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  say("Password:");
  Result<Secret> password = Error{.code = Errc::cancelled, .message = "no password was given"};
  if (wait_for_line(stop)) password = read_password();
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  return password;
}

}  // namespace

void add_login(CLI::App& app, Action& action) {
  struct Flags {
    std::string host;
    std::string user;
    std::optional<std::string> password;
    bool password_stdin = false;
    std::optional<std::string> authfile;
    TrustFlags trust;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("login", "check credentials for a registry and store them as Docker does");
  command->add_option("REGISTRY", flags->host, "host or host:port (Docker Hub when left out)");
  with_environment(command->add_option("-u,--username", flags->user, "user name"))
      ->required()
      ->type_name("USER");
  // Not from the environment: what is stored is what somebody types, or hands over.
  CLI::Option* password =
      command
          ->add_option("-p,--password", flags->password,
                       "password; overwritten in the process list at once, but prefer --password-stdin")
          ->type_name("PASS");
  command->add_flag("--password-stdin", flags->password_stdin, "read the password from standard input")
      ->excludes(password);
  with_environment(command->add_option("--authfile", flags->authfile,
                                       "store in this file instead of Docker's configuration"))
      ->type_name("FILE");
  flags->trust.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      Credential credential{.username = flags->user};
      if (flags->password) {
        credential.password = Secret(*flags->password);
      } else {
        auto read = flags->password_stdin ? read_password() : ask_password(signals.stop());
        if (!read) return fail(read.error());
        credential.password = *std::move(read);
      }
      auto settings = flags->trust.client_options();
      if (!settings) return fail(settings.error());
      ClientOptions options = *std::move(settings);
      if (flags->authfile) options.docker.auth_file = *flags->authfile;
      Client client(options);
      const auto where =
          client.login(flags->host.empty() ? "docker.io" : flags->host, credential, signals.stop());
      if (!where) return fail(where.error());
      say("Login succeeded; stored in " + *where);
      return kOk;
    };
  });
}

}  // namespace davit::tool
