#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace davit::tool {

/// Says so when `words`, the whole command line, have something else where one of `group`'s commands should
/// stand, with the command that may have been meant. `name` is the group's: "davit", "davit ecr". False, and
/// nothing is said, when that is not what is wrong.
bool complain_about_command(const CLI::App& group, const std::string& name,
                            const std::vector<std::string>& words);

}  // namespace davit::tool
