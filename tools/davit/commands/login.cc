#include <memory>

#include <termios.h>
#include <unistd.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

/// Asks on the terminal, with echo off for the answer.
Result<Secret> ask_password() {
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
  auto password = read_password();
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
    std::optional<bool> tls_verify;
    bool plain_http = false;
    std::string ca_file;
    std::string cert_dir;
    std::vector<std::string> allow_realms;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("login", "check credentials against a registry and store them where Docker does");
  command->add_option("REGISTRY", flags->host, "host or host:port (Docker Hub when left out)");
  command->add_option("-u,--username", flags->user, "user name")->required();
  CLI::Option* password =
      command->add_option("-p,--password", flags->password,
                          "password; overwritten in the process list at once, but prefer --password-stdin");
  command->add_flag("--password-stdin", flags->password_stdin, "read the password from standard input")
      ->excludes(password);
  with_environment(command->add_option("--authfile", flags->authfile,
                                       "store in this file instead of Docker's configuration"))
      ->type_name("FILE");
  with_environment(add_tls_verify(*command, "--tls-verify{true}", flags->tls_verify,
                                  "--tls-verify=false accepts any certificate"));
  with_environment(
      command->add_flag("--plain-http", flags->plain_http, "talk HTTP without TLS to the registry"));
  with_environment(command->add_option("--ca-file", flags->ca_file, "trust this certificate authority too"))
      ->type_name("PEM");
  with_environment(command->add_option("--cert-dir", flags->cert_dir,
                                       "certificates of the registry: *.crt, *.cert with *.key"))
      ->type_name("DIR");
  with_environment(
      command->add_option("--allow-realm", flags->allow_realms, "let this token service see the credentials"))
      ->type_name("HOST[:PORT]")
      ->expected(1);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      const auto fail = [](const Error& error) {
        complain(error.to_string(), error.hint);
        return exit_code(error.code);
      };
      Credential credential{.username = flags->user};
      if (flags->password) {
        credential.password = Secret(*flags->password);
      } else {
        auto read = flags->password_stdin ? read_password() : ask_password();
        if (!read) return fail(read.error());
        credential.password = *std::move(read);
      }
      ClientOptions options = ClientOptions::from_environment();
      if (flags->plain_http) options.any_registry.plain_http = true;
      if (!flags->plain_http && (flags->tls_verify || !flags->ca_file.empty() || !flags->cert_dir.empty()))
        options.any_registry.plain_http = false;
      options.any_registry.verify_tls = flags->tls_verify.value_or(true);
      options.any_registry.ca_file = flags->ca_file;
      options.any_registry.certificate_directory = flags->cert_dir;
      options.any_registry.allow_realms = flags->allow_realms;
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
