#pragma once

#include <string>

#include "words/command_words.h"

namespace davit::tool {

/// "davit-index-create": of its page, without the section.
std::string page_name(const CommandWords& command);

/// The page of a command, in the language of man(7). `davit` is the whole.
std::string man_page(const CommandWords& command, const CommandWords& davit);

/// davit's own page, which is written by hand, with the list of commands in the place of its marker. Empty
/// when it has none.
std::string with_commands(const std::string& page, const CommandWords& davit);

}  // namespace davit::tool
