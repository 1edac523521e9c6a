#include "words/completions.h"

namespace davit::tool {
namespace {

constexpr const char* kHead = R"(#compdef davit
# zsh completion for davit, as `davit completion zsh` writes it
)";

// From a file of $fpath it is called by the name of that file; sourced, it has to be made known.
constexpr const char* kTail = R"(
if [[ ${funcstack[1]} == _davit ]]; then
  _davit "$@"
else
  compdef _davit davit
fi
)";

std::string in_quotes(const std::string& text) {
  return quoted(text, "'\\''");
}

/// What would end a part of a specification, made harmless.
std::string escaped(std::string text) {
  for (const char* each : {"\\", ":", "[", "]"}) text = with_replaced(text, each, std::string("\\") + each);
  return text;
}

std::string function_of(const CommandWords& command) {
  return "_" + with_replaced(with_replaced(command.name, " ", "_"), "-", "_");
}

std::string action(Fills fills, const std::vector<std::string>& words) {
  switch (fills) {
    case Fills::words:
      return "(" + joined(words) + ")";
    case Fills::files:
      return "_files";
    case Fills::folders:
      return "_files -/";
    case Fills::nothing:
      break;
  }
  return " ";
}

std::string option_specs(const OptionWords& option) {
  const std::string front = option.repeated ? "*" : "(" + joined(option.names) + ")";
  std::string value;
  if (!option.value.empty())
    value = (option.value_optional ? "::" : ":") + escaped(option.value) + ":" +
            action(option.fills, option.words);
  std::string out;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    const char* sign = option.value.empty() ? "" : option.value_optional ? "=-" : is_long ? "=" : "+";
    out += "    " + in_quotes(front + name + sign + "[" + escaped(option.help) + "]" + value) + " \\\n";
  }
  return out;
}

std::string argument_spec(const ArgumentWords& argument, std::size_t number) {
  const bool several = argument.usage.ends_with("...");
  const std::string place = several ? "*:" : std::to_string(number) + (argument.required ? ":" : "::");
  return "    " + in_quotes(place + escaped(argument.usage) + ":" + action(argument.fills, argument.words)) +
         " \\\n";
}

/// Its options and its arguments, or the commands below it.
std::string function(const CommandWords& command) {
  std::string out = "\n" + function_of(command) + "() {\n";
  const bool group = !command.commands.empty();
  if (group) {
    out += "  local curcontext=$curcontext state line\n  local -a commands=(\n";
    for (const CommandWords& each : command.commands)
      out += "    " + in_quotes(each.word() + ":" + escaped(each.summary)) + "\n";
    out += "  )\n";
  }
  out += group ? "  _arguments -C \\\n" : "  _arguments -s \\\n";
  for (const OptionWords& option : command.options) out += option_specs(option);
  std::size_t number = 0;
  for (const ArgumentWords& argument : command.arguments) out += argument_spec(argument, ++number);
  if (!group) return out.substr(0, out.size() - 3) + "\n}\n";

  out += "    '1: :->command' '*:: :->rest' && return\n  case $state in\n";
  out += "    command) _describe -t commands " + in_quotes(command.name + " command") + " commands ;;\n";
  out += "    rest)\n      case $line[1] in\n";
  for (const CommandWords& each : command.commands) {
    std::vector<std::string> words = {each.word()};
    words.insert(words.end(), each.aliases.begin(), each.aliases.end());
    out += "        " + joined(words, " | ") + ") " + function_of(each) + " ;;\n";
  }
  return out + "      esac\n      ;;\n  esac\n}\n";
}

}  // namespace

std::string zsh_completion(const CommandWords& davit) {
  std::string out = kHead;
  for (const CommandWords* command : everything_in(davit)) out += function(*command);
  return out + kTail;
}

}  // namespace davit::tool
