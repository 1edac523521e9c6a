#include "words/man_page.h"

#include <algorithm>

#include <davit/version.h>

#include "words/help_text.h"
#include "words/roff.h"

namespace davit::tool {
namespace {

constexpr const char* kMarker = ".\\\" The list of commands stands here in the page that is installed.\n";

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string capital(std::string text) {
  if (!text.empty()) text[0] = upper(text.substr(0, 1))[0];
  return text;
}

/// A sentence, but for one that begins with a word to type.
std::string sentence(const std::string& text, const std::vector<std::string>& words) {
  const std::string first = text.substr(0, text.find_first_of(" ,"));
  return roff_with_options(std::ranges::find(words, first) == words.end() ? capital(text) : text) + ".\n";
}

/// "davit-push(1)".
std::string link(const std::string& page) {
  return roff_bold(page) + "(1)";
}

std::string heading(const std::string& text) {
  return ".SH " + roff_with_options(text) + "\n";
}

/// What is typed, as `name` or under another name.
std::string usage_line(const CommandWords& command, const std::string& name) {
  std::string words = roff_italic(command.usage().substr(command.name.size()));
  for (const char* bracket : {"[", "]"})
    words = with_replaced(words, bracket, std::string("\\fR") + bracket + "\\fI");
  return roff_bold(name) + words + "\n";
}

std::string command_list(const std::vector<const CommandWords*>& commands) {
  std::string out;
  for (const CommandWords* each : commands)
    out += ".TP\n" + link(page_name(*each)) + "\n" + roff_with_options(each->summary) + "\n";
  return out;
}

std::string option_entry(const OptionWords& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + roff_bold(name);
  if (!option.value.empty())
    tag += option.value_optional ? "[" + roff_bold("=") + roff_italic(option.value) + "]"
                                 : " " + roff_italic(option.value);
  std::string text = sentence(option.help + option_remarks(option), option.words);
  for (const std::string& other : option.other_names)
    text += (&other == &option.other_names.front() ? "Also " : ", ") + roff_bold(other);
  if (!option.other_names.empty()) text += ".\n";
  if (!option.environment.empty()) text += "Environment: " + roff_bold(option.environment) + ".\n";
  return ".TP\n" + tag + "\n" + text;
}

std::string options(const CommandWords& command) {
  std::string out;
  for (const std::string& group : option_groups(command)) {
    out += heading(upper(group) + (group.empty()                          ? "OPTIONS"
                                   : group.find(' ') == std::string::npos ? " OPTIONS"
                                                                          : ""));
    for (const OptionWords& each : command.options) {
      if (each.group == group) out += option_entry(each);
    }
  }
  return out;
}

/// The summary stands above already, and again only where there is nothing else to say.
std::string description(const CommandWords& command) {
  std::string out = heading("DESCRIPTION");
  if (command.paragraphs.empty()) return out + sentence(command.summary, {});
  for (const std::string& each : command.paragraphs) {
    if (&each != &command.paragraphs.front()) out += ".PP\n";
    const std::string text = roff_with_options(each);
    out += each.starts_with(' ') ? ".nf\n" + text + "\n.fi\n" : text + "\n";
  }
  return out;
}

/// The page of what is around it, then those beside it.
std::string see_also(const CommandWords& command, const CommandWords& davit) {
  std::vector<std::string> pages = {"davit"};
  for (const CommandWords* each : everything_in(davit)) {
    const bool around = command.name.starts_with(each->name + " ");
    const bool beside = each != &command && !command.group.empty() && each->group == command.group &&
                        each->name.starts_with(command.name.substr(0, command.name.rfind(' ') + 1)) &&
                        std::ranges::count(each->name, ' ') == std::ranges::count(command.name, ' ');
    if ((around && each != &davit) || beside) pages.push_back(page_name(*each));
  }
  std::string out = heading("SEE ALSO");
  for (const std::string& page : pages) out += link(page) + (&page == &pages.back() ? "\n" : ",\n");
  return out;
}

}  // namespace

std::string page_name(const CommandWords& command) {
  return with_replaced(command.name, " ", "-");
}

std::string man_page(const CommandWords& command, const CommandWords& davit) {
  std::string out = ".\\\" Written by davit from its own help.\n.TH " + upper(roff(page_name(command))) +
                    " 1 \"\" \"davit " DAVIT_VERSION "\" \"User Commands\"\n";
  out += heading("NAME") + roff(page_name(command)) + " \\- " + roff(command.summary) + "\n";
  out += heading("SYNOPSIS") + usage_line(command, command.name);
  for (const std::string& alias : command.aliases)
    out += ".br\n" + usage_line(command, command.name.substr(0, command.name.rfind(' ') + 1) + alias);
  out += description(command);
  if (!command.commands.empty()) {
    std::vector<const CommandWords*> commands;
    for (const CommandWords& each : command.commands) commands.push_back(&each);
    out += heading("COMMANDS") + command_list(commands);
  }
  if (!command.arguments.empty()) out += heading("ARGUMENTS");
  for (const ArgumentWords& each : command.arguments)
    out += ".TP\n" + roff_italic(each.usage) + "\n" + sentence(each.help, each.words);
  out += options(command);
  out += heading("EXIT STATUS") + "0 when all went well; " + link("davit") + " lists the others.\n";
  return out + see_also(command, davit);
}

std::string with_commands(const std::string& page, const CommandWords& davit) {
  const auto marker = page.find(kMarker);
  if (marker == std::string::npos) return {};
  std::string list;
  for (const std::string& group : command_groups(davit)) {
    list += ".SS " + roff(group) + "\n";
    std::vector<const CommandWords*> commands;
    for (const CommandWords& each : davit.commands) {
      if (each.group == group) commands.push_back(&each);
    }
    list += command_list(commands);
  }
  return std::string(page).replace(marker, std::string_view(kMarker).size(), list);
}

}  // namespace davit::tool
