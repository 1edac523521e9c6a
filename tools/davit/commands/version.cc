#include <davit/version.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "ui/terminal_text.h"

namespace davit::tool {

void add_version(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("version", "print the version");
  command->callback([&action] {
    action = [](const Signals&) { return print("davit " DAVIT_VERSION "\n") ? kOk : kLocal; };
  });
}

}  // namespace davit::tool
