#pragma once

#include <string>
#include <vector>

#include <davit/index.h>

namespace davit::tool {

/// "SRC[,platform=OS/ARCH[/VARIANT]][,annotation=KEY=VALUE]...". A comma that begins neither belongs to what
/// stands before it. Errors: invalid_argument.
Result<IndexPart> parse_part(const std::string& text);
Result<std::vector<IndexPart>> parse_parts(const std::vector<std::string>& texts);

}  // namespace davit::tool
