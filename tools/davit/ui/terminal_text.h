#pragma once

#include <string>
#include <string_view>

namespace davit::tool {

/// Writes to stderr in one piece. Text that came from outside must be escaped already, as davit's errors are.
void say(const std::string& line);
/// "davit: MESSAGE", and the hint on a line of its own.
void complain(std::string_view message, std::string_view hint = {});
/// Writes results to stdout and makes sure that they got there. False, and a complaint, when they did not.
bool print(const std::string& text);
/// Foreign text made fit for a terminal and for one line: control characters, and bytes that are not UTF-8,
/// as \xNN, ends of lines as \n, about `limit` bytes, with "..." where it was cut.
std::string printable(std::string_view text, std::size_t limit = 1000);
bool stderr_is_terminal();
/// Columns of the terminal on stderr; 80 when there is none.
std::size_t terminal_width();
/// Columns that text on stdout should keep to: those of the terminal, up to a width that is still read
/// easily.
std::size_t output_width();

}  // namespace davit::tool
