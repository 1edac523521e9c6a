#pragma once

#include <string>
#include <vector>

namespace davit::tool {

/// What can be completed where a value stands.
enum class Fills { nothing, words, files, folders };

/// An option as people see it.
struct OptionWords {
  std::vector<std::string> names;        ///< "-p", "--platform": davit's own spelling, the long one last
  std::vector<std::string> other_names;  ///< what other tools call it; understood, and not offered
  std::string value;                     ///< "OS/ARCH[/VARIANT]"; empty: it is a flag
  bool value_optional = false;           ///< a value may follow, behind an equals sign
  std::vector<std::string> words;        ///< what the value can be, or often is
  bool only_words = false;               ///< nothing else is accepted
  Fills fills = Fills::nothing;
  std::string help;
  std::string environment;  ///< "DAVIT_PLATFORM"
  bool required = false;
  bool repeated = false;
  std::string group;  ///< "Connection"; empty for what belongs to this command
};

/// What stands without a dash in front.
struct ArgumentWords {
  std::string usage;  ///< "DST..."
  std::string help;
  std::vector<std::string> words;
  Fills fills = Fills::nothing;
  bool required = false;
};

/// A command with everything below it. Nothing of what the help does not show is in here.
struct CommandWords {
  std::string name;  ///< "davit index create"
  std::vector<std::string> aliases;
  std::string group;    ///< the heading it stands under, in the list of its siblings
  std::string summary;  ///< one line
  /// Each is one line, however long; one that begins with a space keeps its lines.
  std::vector<std::string> paragraphs;
  std::vector<ArgumentWords> arguments;
  std::vector<OptionWords> options;    ///< those of this command first, then group by group
  std::vector<CommandWords> commands;  ///< in the order of their groups

  /// "create": the last of its names.
  [[nodiscard]] std::string word() const { return name.substr(name.rfind(' ') + 1); }
  /// What comes behind "davit "; empty for davit itself.
  [[nodiscard]] std::string path() const {
    const auto space = name.find(' ');
    return space == std::string::npos ? std::string() : name.substr(space + 1);
  }
  /// "davit index create [options] DST SRC...".
  [[nodiscard]] std::string usage() const;
};

/// The command and all below it, each before its own.
std::vector<const CommandWords*> everything_in(const CommandWords& command);

/// The headings that options stand under ("" first), in the order in which they are shown.
std::vector<std::string> option_groups(const CommandWords& command);

/// The headings of `command`'s commands, in the order in which they are shown.
std::vector<std::string> command_groups(const CommandWords& command);

/// `text` with `from` replaced by `to`, wherever it stands.
std::string with_replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace davit::tool
