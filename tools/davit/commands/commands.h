#pragma once

#include <functional>
#include <string_view>

#include <CLI/CLI.hpp>

#include "signals.h"

namespace davit::tool {

/// What main() runs once the command line has been read; returns the exit code.
using Action = std::function<int(const Signals&)>;

/// Adds the command that `typed`, the first word, names; when it names none of them, all: for the help, for
/// words that were mistyped, and for other names of a command. A thousand flags take longer than a request
/// does.
void add_commands(CLI::App& app, Action& action, std::string_view typed);

// Each adds its command with flags and help to `app` and sets `action` when it is the one that was typed.
void add_push(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_copy(CLI::App& app, Action& action);
void add_append(CLI::App& app, Action& action);
void add_auth(CLI::App& app, Action& action);
void add_whoami(CLI::App& command, Action& action);  // below auth and ecr
void add_cat(CLI::App& app, Action& action);
void add_diff(CLI::App& app, Action& action);
void add_attach(CLI::App& app, Action& action);
void add_delete(CLI::App& app, Action& action);
void add_discover(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_ecr(CLI::App& app, Action& action);
void add_flatten(CLI::App& app, Action& action);
void add_index(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_blob(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);
void add_digest(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_login(CLI::App& app, Action& action);
void add_logout(CLI::App& app, Action& action);
void add_ls(CLI::App& app, Action& action);  // with its parts under other tools' names
void add_manifest(CLI::App& app, Action& action);
void add_mirror(CLI::App& app, Action& action);
void add_mutate(CLI::App& app, Action& action);
void add_rebase(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_tree(CLI::App& app, Action& action);
void add_validate(CLI::App& app, Action& action);
void add_tag(CLI::App& app, Action& action);
void add_version(CLI::App& app, Action& action);
// About all of them, so after all of them.
void add_completion(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_help(CLI::App& app, Action& action);

}  // namespace davit::tool
