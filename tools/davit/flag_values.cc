#include "flag_values.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

namespace davit::tool {
namespace {

constexpr std::string_view kBooleans[] = {"true", "false", "yes", "no", "on", "off", "1",      "0",      "t",
                                          "f",    "y",     "n",   "-1", "+",  "-",   "enable", "disable"};

bool is_boolean(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return std::ranges::find(kBooleans, text) != std::end(kBooleans);
}

bool is_digit(const std::string& text) {
  return text.size() == 1 && text.front() >= '0' && text.front() <= '9';
}

/// What is wrong with the value, which is not repeated: it may be a secret in the wrong place.
std::string complaint(const CLI::Option& option, const std::string& value, bool counts) {
  std::string said = counts ? "wants true, false or a digit" : "wants true or false";
  const char* set = option.get_envname().empty() ? nullptr : std::getenv(option.get_envname().c_str());
  if (set != nullptr && value == set) said += " (" + option.get_envname() + " is set to something else)";
  // CLI11 names an option that the help shows, and no other.
  return option.get_group().empty() ? "--" + option.get_lnames().front() + ": " + said : said;
}

}  // namespace

void check_flag_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() != 0 || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (option->get_flag_value(name, "") != "true") continue;  // --create-repo, --kms
    const bool counts = name == "verbose";
    option->check(CLI::Validator(
        [option, counts](std::string& value) {
          return is_boolean(value) || (counts && is_digit(value)) ? std::string()
                                                                  : complaint(*option, value, counts);
        },
        ""));
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    check_flag_values(*command);
}

CLI::Validator known_word(std::string flag, std::vector<std::string> words) {
  return CLI::Validator(
      [flag = std::move(flag), words = std::move(words)](const std::string& given) {
        if (std::ranges::find(words, given) != words.end()) return std::string();
        std::string all;
        for (const std::string& word : words)
          all += all.empty() ? word : (&word == &words.back() ? " and " : ", ") + word;
        return flag + " " + given + ": not known; " + all + " are";
      },
      "");
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& given) { return given.empty() ? std::string("is empty") : std::string(); }, "");
}

CLI::Validator suggested_words(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "{" : ",") + word;
  return CLI::Validator([](const std::string&) { return std::string(); }, all + "}", kSuggestion);
}

}  // namespace davit::tool
