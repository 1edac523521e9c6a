#pragma once

#include <map>
#include <string>
#include <vector>

#include <davit/result.h>

namespace davit::tool {

/// "KEY=VALUE"; the last of several with one key wins. `what` names the flag in messages. Errors:
/// invalid_argument.
Result<std::map<std::string, std::string>> parse_annotations(const std::vector<std::string>& texts,
                                                             const std::string& what);

}  // namespace davit::tool
