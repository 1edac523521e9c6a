#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "exit_code.h"
#include "ui/terminal_text.h"
#include "unknown_word.h"
#include "words/describe.h"
#include "words/help_text.h"

namespace davit::tool {

void add_help(CLI::App& app, Action& action) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("help", "say what a command does, as its --help does");
  command->add_option("COMMAND", *words, "the command; without one, all are listed");
  command->callback([&app, words, &action] {
    action = [&app, words](const Signals&) {
      CLI::App* about = &app;
      std::string name = "davit";
      for (const std::string& word : *words) {
        const auto named = [&](const CLI::App* each) { return each->check_name(word); };
        const auto found = about->get_subcommands([&](const CLI::App* each) { return named(each); });
        if (found.empty()) {
          if (!complain_about_command(*about, name, *words))
            complain(name + " has no commands", name + " --help");
          return kUsage;
        }
        about = found.front();
        name += " " + about->get_name();
      }
      return print(help_text(describe(*about, name), output_width())) ? kOk : kLocal;
    };
  });
}

}  // namespace davit::tool
