#pragma once

#include <string>
#include <vector>

#include "signals.h"
#include "transfer_flags.h"

namespace davit::tool {

/// One push, pull or copy from its arguments to the exit code: the library call in the background, progress
/// and notes on stderr, results on stdout (on stderr when an archive goes there).
int move_images(Verb verb, const std::string& source, const std::vector<std::string>& destinations,
                const TransferFlags& flags, const Signals& signals);

}  // namespace davit::tool
