#pragma once

#include <string>
#include <vector>

#include <davit/index.h>

namespace davit::tool {

/// "SRC[,platform=OS/ARCH[/VARIANT]][,annotation=KEY=VALUE]...". A comma that begins neither belongs to what
/// stands before it. Errors: invalid_argument.
Result<IndexPart> parse_part(const std::string& text);
Result<std::vector<IndexPart>> parse_parts(const std::vector<std::string>& texts);

/// "KEY=VALUE"; `what` names the flag in messages. Errors: invalid_argument.
Result<std::map<std::string, std::string>> parse_annotations(const std::vector<std::string>& texts,
                                                             const std::string& what);

}  // namespace davit::tool
