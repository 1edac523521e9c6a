#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "signals.h"

namespace davit::tool {

/// What main() runs once the command line has been read; returns the exit code.
using Action = std::function<int(const Signals&)>;

// Each adds its command with flags and help to `app` and sets `action` when it is the one that was typed.
void add_push(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_copy(CLI::App& app, Action& action);
void add_auth(CLI::App& app, Action& action);
void add_whoami(CLI::App& command, Action& action);  // below auth and ecr
void add_doctor(CLI::App& app, Action& action);
void add_ecr(CLI::App& app, Action& action);
void add_index(CLI::App& app, Action& action);
void add_login(CLI::App& app, Action& action);
void add_logout(CLI::App& app, Action& action);
void add_manifest(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_version(CLI::App& app, Action& action);
// About all of them, so after all of them.
void add_completion(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_help(CLI::App& app, Action& action);

}  // namespace davit::tool
