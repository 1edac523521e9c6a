#pragma once

#include <string>
#include <vector>

#include "words/command_words.h"

namespace davit::tool {

// Scripts with every word of `davit` in them: pressing Tab does not run davit.
std::string bash_completion(const CommandWords& davit);
std::string fish_completion(const CommandWords& davit);
std::string zsh_completion(const CommandWords& davit);

/// Where shells look for it, below a share directory: "bash-completion/completions/davit".
std::string completion_path(const std::string& shell);
/// Empty for a shell that has none.
std::string completion_script(const std::string& shell, const CommandWords& davit);

/// Those that completion is written for.
std::vector<std::string> completed_shells();

/// What is typed to get from a command to those below it: ("index", "rm") to "index rm", ("index", "remove")
/// too.
struct Step {
  std::string from;  ///< the path of the command that the words before stand for; "" is davit
  std::vector<std::string> words;
  std::string to;
};
std::vector<Step> steps_in(const CommandWords& davit);

/// The words of a list, with spaces between them.
std::string joined(const std::vector<std::string>& words, const std::string& between = " ");

/// What else than words stands where a command has its arguments.
Fills argument_fills(const CommandWords& command);
std::vector<std::string> argument_words(const CommandWords& command);

/// For a shell: in single quotes, with what is special there as `escaped_quote`.
std::string quoted(const std::string& text, const std::string& escaped_quote);

}  // namespace davit::tool
