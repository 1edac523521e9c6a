#include "words/help_text.h"

#include <algorithm>

#include "words/columns.h"

namespace davit::tool {
namespace {

constexpr std::size_t kOptionColumn = 30;
constexpr std::size_t kLongestArgument = 20;

std::string paragraphs(const CommandWords& command, std::size_t width) {
  std::string out;
  for (const std::string& each : command.paragraphs)
    out += "\n" + (each.starts_with(' ') ? each + "\n" : wrapped(each, 0, width));
  return out;
}

/// A line each, however narrow the terminal is.
std::string commands(const CommandWords& command) {
  std::size_t longest = 0;
  for (const CommandWords& each : command.commands) longest = std::max(longest, each.word().size());
  std::string out;
  for (const std::string& heading : command_groups(command)) {
    out += "\n" + heading + ":\n";
    for (const CommandWords& each : command.commands) {
      if (each.group == heading) out += in_columns(each.word(), each.summary, longest + 4, std::string::npos);
    }
  }
  return out;
}

std::string arguments(const CommandWords& command, std::size_t width) {
  if (command.arguments.empty()) return {};
  std::size_t longest = 0;
  for (const ArgumentWords& each : command.arguments) longest = std::max(longest, each.usage.size());
  std::string out = "\nArguments:\n";
  for (const ArgumentWords& each : command.arguments)
    out += in_columns(each.usage, each.help, std::min(longest, kLongestArgument) + 4, width);
  return out;
}

std::string options(const CommandWords& command, std::size_t width) {
  std::string out;
  for (const std::string& heading : option_groups(command)) {
    out += "\n" + (heading.empty() ? "Options" : heading) + ":\n";
    for (const OptionWords& each : command.options) {
      if (each.group != heading) continue;
      const bool short_name = each.names.front().size() == 2;
      out += in_columns((short_name ? "" : "    ") + option_usage(each), each.help + option_remarks(each),
                        kOptionColumn, width);
    }
  }
  return out;
}

std::string footer(const CommandWords& command, std::size_t width) {
  if (command.path().empty())
    return "\ndavit COMMAND --help says more about each; so does man davit-COMMAND.\n";
  if (!command.commands.empty()) return "\n" + command.name + " COMMAND --help says more about each.\n";
  for (const OptionWords& each : command.options) {
    if (each.value.empty() && !each.environment.empty())
      return "\n" + wrapped("The environment can set options, too: " + each.environment + "=true is " +
                                each.names.back() + ".",
                            0, width);
  }
  return {};
}

}  // namespace

std::string option_usage(const OptionWords& option) {
  std::string out;
  for (const std::string& name : option.names) out += (out.empty() ? "" : ", ") + name;
  if (option.value.empty()) return out;
  return out + (option.value_optional ? "[=" + option.value + "]" : " " + option.value);
}

std::string option_remarks(const OptionWords& option) {
  const std::string said = option.value + " " + option.help;
  std::string out;
  const bool untold = option.only_words && std::ranges::any_of(option.words, [&](const std::string& word) {
                        return said.find(word) == std::string::npos;
                      });
  for (const std::string& word : untold ? option.words : std::vector<std::string>())
    out += out.empty() ? ": " + word : (&word == &option.words.back() ? " or " : ", ") + word;
  if (option.required) out += " (required)";
  if (option.repeated && said.find("repeated") == std::string::npos) out += " (may be repeated)";
  return out;
}

std::string help_text(const CommandWords& command, std::size_t width) {
  std::string out = wrapped(command.summary, 0, width) + "\nUsage: " + command.usage() + "\n";
  if (!command.aliases.empty()) {
    out += "Also:  ";
    for (const std::string& alias : command.aliases)
      out += (&alias == &command.aliases.front() ? "" : ", ") +
             command.name.substr(0, command.name.rfind(' ') + 1) + alias;
    out += "\n";
  }
  return out + paragraphs(command, width) + commands(command) + arguments(command, width) +
         options(command, width) + footer(command, width);
}

}  // namespace davit::tool
