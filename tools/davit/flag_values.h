#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace davit::tool {

/// Makes every flag of `app` and its commands refuse what is neither true nor false, as in --json=maybe or
/// DAVIT_JSON=maybe, with a sentence that names it; -v may be a digit. Flags that take words of their own
/// stay as they are. Call it when every command is there.
void check_flag_values(CLI::App& app);

/// A check for an option that the help does not show: CLI11 does not say the name of such a one.
CLI::Validator known_word(std::string flag, std::vector<std::string> words);

/// A check for what has no meaning when it is empty, as from a variable of a shell that is not set.
CLI::Validator not_empty();

/// Words for the completion to offer, where others are fine as well; refuses nothing. Goes by this name.
inline constexpr const char* kSuggestion = "suggestion";
CLI::Validator suggested_words(const std::vector<std::string>& words);

}  // namespace davit::tool
