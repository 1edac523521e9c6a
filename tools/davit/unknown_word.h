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

/// Says so when an option was left over that `command` does not have. False, and nothing is said, when there
/// is none. Values are not repeated. `name` is the command's: "davit pull".
bool complain_about_option(const CLI::App& app, const CLI::App& command, const std::string& name);

/// Says what was left over when `command` had taken its arguments: an option that it does not have, or an
/// argument too many.
void complain_about_rest(const CLI::App& app, const CLI::App& command, const std::string& name);

}  // namespace davit::tool
