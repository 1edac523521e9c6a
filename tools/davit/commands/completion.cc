#include <memory>

#include "commands/commands.h"
#include "exit_code.h"
#include "ui/terminal_text.h"
#include "words/completions.h"
#include "words/describe.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription = R"(print what makes a shell complete davit's commands and options

Packages install it. By hand, for the shell that runs now or in its start-up file:

  source <(davit completion bash)
  source <(davit completion zsh)       # after compinit
  davit completion fish | source)";

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", kDescription);
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, shell, &action] {
    action = [&app, shell](const Signals&) {
      return print(completion_script(*shell, describe(app, "davit"))) ? kOk : kLocal;
    };
  });
}

}  // namespace davit::tool
