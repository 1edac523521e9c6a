#include "words/completions.h"

#include <algorithm>
#include <iterator>

namespace davit::tool {
namespace {

struct Shell {
  const char* name;
  const char* path;
  std::string (*script)(const CommandWords&);
};

constexpr Shell kShells[] = {{"bash", "bash-completion/completions/davit", bash_completion},
                             {"fish", "fish/vendor_completions.d/davit.fish", fish_completion},
                             {"zsh", "zsh/site-functions/_davit", zsh_completion}};

const Shell* find_shell(const std::string& name) {
  const auto* found = std::ranges::find(kShells, name, &Shell::name);
  return found == std::end(kShells) ? nullptr : found;
}

}  // namespace

std::string completion_path(const std::string& shell) {
  const Shell* found = find_shell(shell);
  return found == nullptr ? std::string() : found->path;
}

std::string completion_script(const std::string& shell, const CommandWords& davit) {
  const Shell* found = find_shell(shell);
  return found == nullptr ? std::string() : found->script(davit);
}

std::vector<std::string> completed_shells() {
  std::vector<std::string> out;
  for (const Shell& each : kShells) out.emplace_back(each.name);
  return out;
}

std::vector<Step> steps_in(const CommandWords& davit) {
  std::vector<Step> out;
  for (const CommandWords* group : everything_in(davit)) {
    for (const CommandWords& each : group->commands) {
      Step step{.from = group->path(), .words = {each.word()}, .to = each.path()};
      step.words.insert(step.words.end(), each.aliases.begin(), each.aliases.end());
      out.push_back(std::move(step));
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string out;
  for (const std::string& word : words) out += (&word == &words.front() ? "" : between) + word;
  return out;
}

std::vector<std::string> argument_words(const CommandWords& command) {
  std::vector<std::string> out;
  for (const CommandWords& each : command.commands) out.push_back(each.word());
  for (const ArgumentWords& each : command.arguments)
    out.insert(out.end(), each.words.begin(), each.words.end());
  return out;
}

Fills argument_fills(const CommandWords& command) {
  Fills out = Fills::nothing;
  for (const ArgumentWords& each : command.arguments) {
    if (each.fills == Fills::files || (each.fills == Fills::folders && out == Fills::nothing))
      out = each.fills;
  }
  return out;
}

std::string quoted(const std::string& text, const std::string& escaped_quote) {
  return "'" + with_replaced(text, "'", escaped_quote) + "'";
}

}  // namespace davit::tool
