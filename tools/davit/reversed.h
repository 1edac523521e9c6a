#pragma once

#include <string>
#include <vector>

namespace davit::tool {

/// Whether a word can only be meant as an image of a registry: it names the host, and there is no file of
/// that name.
bool is_surely_image(const std::string& word);
/// Whether a word can only be meant as a file or a folder: there is one, or it looks like a path and names no
/// registry.
bool is_surely_file(const std::string& word);

/// Says that the arguments look reversed, with the line that was meant. Returns the exit code.
int complain_about_order(const std::string& command, const std::vector<std::string>& words);

}  // namespace davit::tool
