#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::tool {

/// The lines of `text`, broken at spaces so that they fit between `margin` and `width`. The first is without
/// the margin; every line ends with a newline.
std::string wrapped(std::string_view text, std::size_t margin, std::size_t width);

/// "  NAME      text", the text wrapped in a column of its own. A name too long for its column has the text
/// below it.
std::string in_columns(std::string_view name, std::string_view text, std::size_t column, std::size_t width);

}  // namespace davit::tool
