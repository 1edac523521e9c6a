#include <map>

#include "words/completions.h"

namespace davit::tool {
namespace {

constexpr const char* kHead = R"(# bash completion for davit, as `davit completion bash` writes it

# Sets `command` to the one that the words before the cursor stand for: "index create".
__davit_find_command() {
  local word
  command=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) continue ;; esac
    case "$command $word" in
)";

constexpr const char* kValue = R"(      *) break ;;
    esac
  done
}

# Sets `fills` and `words` to what the value of `flag` can be. With `always`, the next word is its value.
__davit_find_value() {
  always= fills= words=
  case "$command $flag" in
)";

constexpr const char* kCommands = R"(  esac
}

# Sets `flags` to those of the command, `fills` and `words` to what its arguments can be.
__davit_find_arguments() {
  flags= fills= words=
  case $command in
)";

constexpr const char* kTail = R"(  esac
}

_davit() {
  local cur=${COMP_WORDS[COMP_CWORD]} command flag= front= flags always fills words
  COMPREPLY=()
  __davit_find_command
  # A flag with its value behind an equals sign is one word here and three there: COMP_WORDBREAKS says.
  if [[ $cur == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD-1]} cur=
  elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]] && ((COMP_CWORD > 1)); then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $cur == --*=* ]]; then
    flag=${cur%%=*} front=$flag= cur=${cur#*=}
  fi
  if [[ -n $flag ]]; then
    __davit_find_value
  else
    flag=${COMP_WORDS[COMP_CWORD-1]}
    __davit_find_value
    if [[ -z $always ]]; then
      __davit_find_arguments
      if [[ $cur == -* ]]; then fills= words=$flags; fi
    fi
  fi
  case $fills in
    files) mapfile -t COMPREPLY < <(compgen -P "$front" -f -- "$cur") ;;
    folders) mapfile -t COMPREPLY < <(compgen -P "$front" -d -- "$cur") ;;
    *) mapfile -t COMPREPLY < <(compgen -P "$front" -W "$words" -- "$cur") ;;
  esac
  if [[ -n $fills ]]; then compopt -o filenames 2>/dev/null; fi
}

complete -F _davit davit
)";

std::string settings(Fills fills, const std::vector<std::string>& words) {
  switch (fills) {
    case Fills::files:
      return "fills=files";
    case Fills::folders:
      return "fills=folders";
    case Fills::words:
      return "words='" + joined(words) + "'";
    case Fills::nothing:
      break;
  }
  return {};
}

/// What __davit_find_value sets for an option; nothing for a flag.
std::string value_of(const OptionWords& option) {
  if (option.value.empty()) return {};
  const std::string set = settings(option.fills, option.words);
  return option.value_optional ? set : "always=1" + (set.empty() ? "" : " " + set);
}

/// A line of a case statement. Patterns are in single quotes but for a star in front.
std::string line(const std::vector<std::string>& patterns, const std::string& does) {
  return "    " + joined(patterns, " | ") + ") " + does + " ;;\n";
}

std::string values(const CommandWords& davit) {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> said;  // flag: value: commands
  for (const CommandWords* command : everything_in(davit)) {
    for (const OptionWords& option : command->options) {
      for (const auto* names : {&option.names, &option.other_names})
        for (const std::string& name : *names) said[name][value_of(option)].push_back(command->path());
    }
  }
  std::map<std::string, std::vector<std::string>> patterns;  // by what they set
  for (const auto& [flag, by_value] : said) {
    for (const auto& [value, commands] : by_value) {
      if (value.empty()) continue;
      if (by_value.size() == 1) {
        patterns[value].push_back("*' " + flag + "'");
        continue;
      }
      for (const std::string& command : commands) patterns[value].push_back("'" + command + " " + flag + "'");
    }
  }
  std::string out;
  for (const auto& [value, all] : patterns) out += line(all, value);
  return out;
}

std::string arguments_of(const CommandWords& command) {
  std::vector<std::string> flags;
  for (const OptionWords& option : command.options)
    flags.insert(flags.end(), option.names.begin(), option.names.end());
  std::string out = "flags='" + joined(flags) + "'";
  for (const std::string& set :
       {settings(argument_fills(command), {}), settings(Fills::words, argument_words(command))})
    if (!set.empty() && set != "words=''") out += " " + set;
  return out;
}

}  // namespace

std::string bash_completion(const CommandWords& davit) {
  std::string out = kHead;
  for (const Step& step : steps_in(davit)) {
    std::vector<std::string> patterns;
    for (const std::string& word : step.words) patterns.push_back("'" + step.from + " " + word + "'");
    out += "  " + line(patterns, "command='" + step.to + "'");
  }
  out += kValue + values(davit) + kCommands;
  for (const CommandWords* command : everything_in(davit))
    out += line({"'" + command->path() + "'"}, arguments_of(*command));
  return out + kTail;
}

}  // namespace davit::tool
