#include "unknown_word.h"

#include <algorithm>
#include <string_view>

#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

/// How many letters have to be added, left out, replaced, or swapped with their neighbours.
std::size_t slips(std::string_view from, std::string_view to) {
  std::vector<std::vector<std::size_t>> table(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) {
    for (std::size_t k = 0; k <= to.size(); ++k) {
      if (i == 0 || k == 0) {
        table[i][k] = i + k;
        continue;
      }
      const std::size_t other = from[i - 1] == to[k - 1] ? 0 : 1;
      table[i][k] = std::min({table[i - 1][k] + 1, table[i][k - 1] + 1, table[i - 1][k - 1] + other});
      const bool swapped = i > 1 && k > 1 && from[i - 1] == to[k - 2] && from[i - 2] == to[k - 1];
      if (swapped) table[i][k] = std::min(table[i][k], table[i - 2][k - 2] + 1);
    }
  }
  return table[from.size()][to.size()];
}

/// The nearest of some words; empty when none is near.
class Nearest {
 public:
  // Of a short word two other letters make another word.
  explicit Nearest(std::string_view to) : to_(to), fewest_(to.size() < 6 ? 1 : 2) {}

  void consider(const std::string& word) {
    const std::size_t count = slips(to_, word);
    if (count > fewest_ || (count == fewest_ && !word_.empty())) return;
    fewest_ = count;
    word_ = word;
  }
  [[nodiscard]] const std::string& word() const { return word_; }
  [[nodiscard]] std::string question() const {
    return word_.empty() ? std::string() : "; did you mean '" + word_ + "'?";
  }

 private:
  const std::string_view to_;
  std::size_t fewest_;
  std::string word_;
};

/// What other tools call it, and the line to type here.
struct Elsewhere {
  std::string_view command;  ///< empty: at the top
  std::string_view word;
  std::string_view instead;
};
constexpr Elsewhere kElsewhere[] = {
    {"", "save", "davit pull REFERENCE FILE.tar writes what docker load reads"},
    {"", "load", "davit push FILE.tar REFERENCE puts it into a registry"},
    {"pull", "-o", "the file is the second argument: davit pull REFERENCE FILE.tar"},
    {"pull", "--output", "the file is the second argument: davit pull REFERENCE FILE.tar"},
    {"pull", "-a", "every tag into one layout: davit copy -a REFERENCE oci:DIR"},
    {"pull", "--all-tags", "every tag into one layout: davit copy -a REFERENCE oci:DIR"},
};

std::string_view instead_of(std::string_view command, std::string_view word) {
  const auto* found = std::ranges::find_if(
      kElsewhere, [&](const Elsewhere& each) { return each.command == command && each.word == word; });
  return found == std::end(kElsewhere) ? std::string_view() : found->instead;
}

/// "davit ecr create" is "ecr create: " in front of messages, "davit" nothing.
std::string in_front(const std::string& name) {
  const auto space = name.find(' ');
  return space == std::string::npos ? std::string() : name.substr(space + 1) + ": ";
}

std::string help_of(const std::string& name) {
  return name + " --help lists what there is";
}

/// Anything else may be a secret that has lost its flag, and is not repeated.
bool looks_like_command(std::string_view word) {
  return !word.empty() && word.size() <= 20 && word.front() != '-' &&
         std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

bool complain_about_command(const CLI::App& group, const std::string& name,
                            const std::vector<std::string>& words) {
  const auto commands = group.get_subcommands([](const CLI::App*) { return true; });
  const auto depth = static_cast<std::size_t>(std::ranges::count(name, ' '));
  if (commands.empty() || depth >= words.size() || !looks_like_command(words[depth])) return false;
  const std::string& word = words[depth];
  Nearest meant(word);
  for (const CLI::App* each : commands) {
    if (each->check_name(word)) return false;
    meant.consider(each->get_name());
  }
  const std::string_view instead = depth == 0 ? instead_of("", word) : std::string_view();
  complain(in_front(name) + "no command '" + word + "'" + meant.question(),
           instead.empty() ? help_of(name) : std::string(instead));
  return true;
}

bool complain_about_option(const CLI::App& app, const CLI::App& command, const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  for (const std::string& each : app.remaining(true)) {
    std::string word = each.substr(0, each.find('='));
    if (word.size() < 2 || word.size() > 40 || word.front() != '-' || !std::ranges::all_of(word, plain))
      continue;
    if (word[1] != '-') word.resize(2);  // a short one has its value behind it
    Nearest meant(word);
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group().empty()) continue;  // not in the help either
      if (option->check_name(word)) {
        complain(in_front(name) + "'" + word + "' stands before the command, and belongs behind it",
                 "write " + name + " " + word);
        return true;
      }
      for (const std::string& known : option->get_lnames()) meant.consider("--" + known);
    }
    const std::string_view instead = instead_of(command.get_name(), word);
    complain(in_front(name) + "no option '" + word + "'" + (instead.empty() ? meant.question() : ""),
             instead.empty() ? help_of(name) : std::string(instead));
    return true;
  }
  return false;
}

void complain_about_rest(const CLI::App& app, const CLI::App& command, const std::string& name) {
  if (complain_about_option(app, command, name)) return;
  complain(in_front(name) + "more arguments than it takes", help_of(name));
}

}  // namespace davit::tool
