#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <davit/version.h>

#include "arguments.h"
#include "commands/commands.h"
#include "exit_code.h"
#include "flag_values.h"
#include "signals.h"
#include "ui/terminal_text.h"
#include "unknown_word.h"
#include "words/describe.h"
#include "words/help_text.h"

namespace {

using namespace davit::tool;

/// The innermost command that was typed, and its words.
std::pair<CLI::App*, std::string> typed_command(CLI::App& app) {
  CLI::App* typed = &app;
  std::string name = "davit";
  while (!typed->get_subcommands().empty()) {
    typed = typed->get_subcommands().back();
    name += " " + typed->get_name();
  }
  return {typed, name};
}

bool print_help(CLI::App& command, const std::string& name) {
  return print(help_text(describe(command, name), output_width()));
}

int usage_error(CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  const auto [typed, name] = typed_command(app);
  if (complain_about_command(*typed, name, words)) return kUsage;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    complain_about_rest(app, *typed, name);
    return kUsage;
  }
  // An argument that is missing may be one that stands behind what is not an option.
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (missing && complain_about_option(app, *typed, name)) return kUsage;
  // A flag with a slip of the pen may have a secret behind it.
  std::string said = std::regex_replace(error.what(), std::regex("(--[A-Za-z0-9-]+)=\\S*"), "$1=...");
  if (said.starts_with(": ")) said.erase(0, 2);  // an option that the help does not show; its check names it
  complain(said, name + " --help lists what there is");
  return kUsage;
}

/// docker, podman and skopeo run credential helpers by this name.
bool is_credential_helper(const char* program) {
  const std::string_view name(program);
  return name.substr(name.rfind('/') + 1) == "docker-credential-davit";
}

/// A standard descriptor that the caller closed would become the next thing that is opened, and be read or
/// written as if it were a terminal. In its place comes one that refuses both.
void hold_standard_descriptors() {
  for (int number = 0; number < 3; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    static_cast<void>(::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  ::mallopt(M_ARENA_MAX, 2);  // one arena for each of the many threads would break the memory promise

  std::vector<std::string> arguments = take_arguments(argc, argv);
  if (argc > 0 && is_credential_helper(argv[0])) arguments.insert(arguments.begin(), "auth");
  CLI::App app("davit moves container images: into registries, between them, into multi-arch indexes",
               "davit");
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help", "print this text");
  app.set_help_all_flag();
  app.failure_message(CLI::FailureMessage::simple);
  bool version = false;
  app.add_flag("--version", version, "print the version");
  Action action;
  add_commands(app, action, arguments.empty() ? std::string() : arguments.front());
  check_flag_values(app);
  try {
    app.parse(std::vector(arguments.rbegin(), arguments.rend()));  // CLI11 takes them from the back
  } catch (const CLI::CallForHelp& help) {
    const auto [typed, name] = typed_command(app);
    return print_help(*typed, name) ? kOk : kLocal;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, arguments);
  } catch (const std::logic_error&) {  // a number that CLI11 hands to std::stoll
    complain("a flag has a value that is no number, or too large", "davit --help lists what there is");
    return kUsage;
  }
  if (version) return print("davit " DAVIT_VERSION "\n") ? kOk : kLocal;
  if (!action) {
    static_cast<void>(print_help(app, "davit"));
    return kUsage;
  }
  int code = kOther;
  {
    Signals signals;
    code = action(signals);
    signals.end_by_signal();
  }
  return code;
}
