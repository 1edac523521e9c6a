#include "unknown_command.h"

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
  std::string meant;
  std::size_t fewest = word.size() < 6 ? 1 : 2;  // of a short word two other letters make another word
  for (const CLI::App* each : commands) {
    const std::size_t count = slips(word, each->get_name());
    if (count == 0) return false;
    if (count > fewest || (count == fewest && !meant.empty())) continue;
    fewest = count;
    meant = each->get_name();
  }
  const std::string group_of = depth == 0 ? "" : name.substr(name.find(' ') + 1) + ": ";
  complain(group_of + "no command '" + word + "'" + (meant.empty() ? "" : "; did you mean '" + meant + "'?"),
           name + " --help lists what there is");
  return true;
}

}  // namespace davit::tool
