#pragma once

#include <string>
#include <vector>

namespace davit::tool {

/// The words of the command line, after which every secret among them has been overwritten in the process's
/// own argv, so that `ps` does not show it.
std::vector<std::string> take_arguments(int argc, char** argv);

}  // namespace davit::tool
