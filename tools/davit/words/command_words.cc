#include "words/command_words.h"

#include <algorithm>

namespace davit::tool {
namespace {

template <typename Each>
std::vector<std::string> groups_of(const std::vector<Each>& all) {
  std::vector<std::string> out;
  for (const Each& each : all) {
    if (std::ranges::find(out, each.group) == out.end()) out.push_back(each.group);
  }
  return out;
}

}  // namespace

std::string CommandWords::usage() const {
  if (!commands.empty()) return name + (path().empty() ? " COMMAND [options]" : " COMMAND");
  std::string out = name + " [options]";
  for (const ArgumentWords& argument : arguments)
    out += " " + (argument.required ? argument.usage : "[" + argument.usage + "]");
  return out;
}

std::vector<const CommandWords*> everything_in(const CommandWords& command) {
  std::vector<const CommandWords*> out = {&command};
  for (const CommandWords& each : command.commands) {
    const auto below = everything_in(each);
    out.insert(out.end(), below.begin(), below.end());
  }
  return out;
}

std::vector<std::string> option_groups(const CommandWords& command) {
  return groups_of(command.options);
}

std::vector<std::string> command_groups(const CommandWords& command) {
  return groups_of(command.commands);
}

std::string with_replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace davit::tool
