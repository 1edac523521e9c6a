#pragma once

#include <cstddef>
#include <string>

#include "words/command_words.h"

namespace davit::tool {

/// What --help prints, for lines of `width` columns.
std::string help_text(const CommandWords& command, std::size_t width);

/// "-p, --platform OS/ARCH[/VARIANT]".
std::string option_usage(const OptionWords& option);

/// What an option's text leaves out: the words it takes, whether it may be repeated or has to be there.
std::string option_remarks(const OptionWords& option);

}  // namespace davit::tool
