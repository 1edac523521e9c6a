#include "words/describe.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "flag_values.h"
#include "words/headings.h"

namespace davit::tool {
namespace {

// What stands for a file in a value, for a folder, and in an argument for what is neither.
constexpr std::string_view kFiles[] = {"FILE", "PEM", "YAML", "SRC", "DST", "REF", "LAYER", "OUT"};
constexpr std::string_view kFolders[] = {"DIR"};
constexpr std::string_view kNoFiles[] = {"REGISTRY", "REPOSITORY", "TAG",    "DIGEST",
                                         "ENTRY",    "PATH",       "COMMAND"};

/// What CLI11 calls a value that nobody has given a name.
constexpr std::string_view kUnnamed[] = {"", "TEXT", "INT", "UINT", "FLOAT", "BOOLEAN"};

template <std::size_t size>
bool is_one_of(const std::string_view (&all)[size], std::string_view word) {
  return std::ranges::find(all, word) != std::end(all);
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(at));
    out.emplace_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return out;
}

/// What an option's checks say about its value.
struct Checks {
  std::vector<std::string> words;
  bool only_words = false;
  std::string type;  ///< what is left of the type's name without them
};

Checks checks_of(CLI::Option& option) {
  Checks out;
  out.type = option.get_type_name();
  std::string said;  // CLI11 puts it behind the type
  try {
    for (int number = 0;; ++number) {
      const CLI::Validator& check = *option.get_validator(number);
      const std::string text = check.get_description();
      if (!text.empty()) said += ":" + text;
      if (text.size() < 3 || text.front() != '{' || text.back() != '}') continue;
      out.words = split(std::string_view(text).substr(1, text.size() - 2), ',');
      out.only_words = check.get_name() != kSuggestion;
    }
  } catch (const CLI::OptionNotFound&) {  // how CLI11 says that there is no further one
  }
  if (!said.empty() && out.type.ends_with(said)) out.type.resize(out.type.size() - said.size());
  return out;
}

std::vector<std::string> with_dashes(const std::vector<std::string>& names, const char* dashes) {
  std::vector<std::string> out;
  out.reserve(names.size());
  for (const std::string& name : names) out.push_back(dashes + name);
  return out;
}

/// A flag may be given a value behind an equals sign; one is shown where it means something.
void describe_flag(CLI::Option& option, const Checks& checks, OptionWords& out) {
  if (option.get_fnames().empty()) return;
  out.value_optional = true;
  if (option.get_flag_value(option.get_fnames().front(), "") == "true") {
    out.value = "true|false";
    out.words = {"true", "false"};
    out.only_words = true;
  } else {
    out.value = is_one_of(kUnnamed, checks.type) ? "VALUE" : checks.type;
  }
  if (!out.words.empty()) out.fills = Fills::words;
}

OptionWords describe(CLI::Option& option, const std::string& usual_group) {
  OptionWords out;
  const auto shorts = with_dashes(option.get_snames(), "-");
  const auto longs = with_dashes(option.get_lnames(), "--");
  for (const auto* names : {&shorts, &longs}) {
    if (names->empty()) continue;
    out.names.push_back(names->front());
    out.other_names.insert(out.other_names.end(), names->begin() + 1, names->end());
  }
  out.help = option.get_description();
  out.environment = option.get_envname();
  out.required = option.get_required();
  out.group = option.get_group() == usual_group ? std::string() : option.get_group();

  Checks checks = checks_of(option);
  out.words = std::move(checks.words);
  out.only_words = checks.only_words;
  if (option.get_items_expected_max() == 0) {
    describe_flag(option, checks, out);
    return out;
  }
  // Of a vector each is typed behind an option of its own.
  out.repeated = option.get_expected_max() > 1 || option.get_type_size_max() > 1;
  out.value = is_one_of(kUnnamed, checks.type) ? (checks.type == "TEXT" ? "TEXT" : "N") : checks.type;
  out.fills = !out.words.empty()                 ? Fills::words
              : is_one_of(kFolders, checks.type) ? Fills::folders
              : is_one_of(kFiles, checks.type)   ? Fills::files
                                                 : Fills::nothing;
  return out;
}

ArgumentWords describe_argument(CLI::Option& option) {
  const std::string name = option.get_name(true, false);
  Checks checks = checks_of(option);
  ArgumentWords out{.usage = name,
                    .help = option.get_description(),
                    .words = std::move(checks.words),
                    .fills = Fills::files,
                    .required = option.get_required()};
  if (!out.words.empty()) {
    out.fills = Fills::words;
  } else if (is_one_of(kFolders, name)) {
    out.fills = Fills::folders;
  } else if (is_one_of(kNoFiles, name)) {
    out.fills = Fills::nothing;
  }
  // "DST", and a type named "SRC...", are two kinds of words in one list.
  if (!is_one_of(kUnnamed, checks.type) && checks.type != name) {
    out.usage += " " + checks.type;
  } else if (option.get_items_expected_max() > 1) {
    out.usage += "...";
  }
  return out;
}

/// Lines become paragraphs, but where they begin with a space.
void describe_text(const std::string& text, CommandWords& out) {
  out.summary = text.substr(0, text.find('\n'));
  if (out.summary.size() == text.size()) return;
  bool open = false;
  for (const std::string& line : split(std::string_view(text).substr(out.summary.size() + 1), '\n')) {
    const bool kept = line.starts_with(' ');
    if (line.empty()) {
      open = false;
    } else if (open && out.paragraphs.back().starts_with(' ') == kept) {
      out.paragraphs.back() += (kept ? "\n" : " ") + line;
    } else {
      out.paragraphs.push_back(line);
      open = true;
    }
  }
}

bool is_hidden(const CLI::App& command) {
  return command.get_group().empty() || command.get_name().empty();
}

/// The same wherever it stands: behind everything that is the command's own.
void put_help_last(CommandWords& out) {
  std::ranges::stable_sort(out.options, {}, [](const OptionWords& each) {
    return std::pair(order_of_options(each.group), each.names.back() == "--help");
  });
}

}  // namespace

CommandWords describe(CLI::App& command, const std::string& name) {
  CommandWords out;
  out.name = name;
  out.aliases = command.get_aliases();
  describe_text(command.get_description(), out);
  const std::string& usual_group = command.option_defaults()->get_group();
  for (CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // not in the help either
    if (option->get_positional()) out.arguments.push_back(describe_argument(*option));
    if (option->nonpositional()) out.options.push_back(describe(*option, usual_group));
  }
  put_help_last(out);

  const bool whole = command.get_parent() == nullptr;
  const auto order = [](const CommandWords& each) { return place_of(each.word()).order; };
  for (CLI::App* each : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (is_hidden(*each)) continue;
    out.commands.push_back(describe(*each, name + " " + each->get_name()));
    out.commands.back().group = whole ? place_of(each->get_name()).heading : "Commands";
  }
  if (whole) std::ranges::stable_sort(out.commands, {}, order);
  // What `davit help` can be asked about is known only here.
  const auto help = std::ranges::find(out.commands, "davit help", &CommandWords::name);
  if (help != out.commands.end() && !help->arguments.empty()) {
    ArgumentWords& about = help->arguments.front();
    for (const CommandWords& each : out.commands) about.words.push_back(each.word());
    about.fills = Fills::words;
  }
  return out;
}

}  // namespace davit::tool
