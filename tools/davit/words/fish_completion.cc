#include <map>

#include "words/completions.h"

namespace davit::tool {
namespace {

constexpr const char* kHead = R"(# fish completion for davit, as `davit completion fish` writes it

# The command that the words before the cursor stand for: "index create".
function __davit_command
    set -l words (commandline -opc)
    set -l command ''
    for word in $words[2..]
        string match -q -- '-*' $word; and continue
        switch "$command $word"
)";

constexpr const char* kTail = R"(            case '*'
                break
        end
    end
    echo $command
end

function __davit_on
    contains -- (__davit_command) $argv
end

# The same, where no option is being typed.
function __davit_argument_of
    not string match -q -- '-*' (commandline -ct); and __davit_on $argv
end

complete -c davit -f
)";

std::string in_quotes(const std::string& text) {
  return quoted(with_replaced(text, "\\", "\\\\"), "\\'");
}

/// "-n '__davit_on "push" "index create"'".
std::string condition(const std::vector<std::string>& commands, const std::string& test = "__davit_on") {
  std::string out = test;
  for (const std::string& command : commands) out += " \"" + command + "\"";
  return "-n '" + out + "'";
}

std::string settings(const OptionWords& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.empty()) {
    if (option.fills == Fills::files) {
      out += " -r -F";
    } else if (option.fills == Fills::folders) {
      out += " -x -a '(__fish_complete_directories)'";
    } else {
      out += option.value_optional ? " -f" : " -x";
      if (!option.words.empty()) out += " -a " + in_quotes(joined(option.words));
    }
  }
  return out + " -d " + in_quotes(option.help);
}

}  // namespace

std::string fish_completion(const CommandWords& davit) {
  std::string out = kHead;
  for (const Step& step : steps_in(davit)) {
    out += "            case";
    for (const std::string& word : step.words) out += " '" + step.from + " " + word + "'";
    out += "\n                set command '" + step.to + "'\n";
  }
  out += kTail;
  std::map<std::string, std::vector<std::string>>
      options;  // those that several commands share stand here once
  for (const CommandWords* command : everything_in(davit)) {
    const std::string here = "complete -c davit " + condition({command->path()});
    for (const CommandWords& each : command->commands)
      out += here + " -a " + each.word() + " -d " + in_quotes(each.summary) + "\n";
    for (const ArgumentWords& argument : command->arguments) {
      if (!argument.words.empty()) out += here + " -a " + in_quotes(joined(argument.words)) + "\n";
    }
    const Fills fills = argument_fills(*command);
    const std::string argument = "complete -c davit " + condition({command->path()}, "__davit_argument_of");
    if (fills == Fills::files) out += argument + " -F\n";
    if (fills == Fills::folders) out += argument + " -a '(__fish_complete_directories)'\n";
    for (const OptionWords& option : command->options) options[settings(option)].push_back(command->path());
  }
  for (const auto& [set, commands] : options) out += "complete -c davit " + condition(commands) + set + "\n";
  return out;
}

}  // namespace davit::tool
