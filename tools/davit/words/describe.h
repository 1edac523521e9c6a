#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "words/command_words.h"

namespace davit::tool {

/// What `command` and all below it are, as the help, the manual pages and the completions tell it. `name` is
/// what is typed for it, "davit index".
///
/// A description begins with one line, the summary; paragraphs follow behind an empty line. Of several long
/// spellings the first is davit's own.
CommandWords describe(CLI::App& command, const std::string& name);

}  // namespace davit::tool
