#pragma once

#include <string>
#include <string_view>

namespace davit::tool {

/// Text for a line of a manual page, with every dash as one that can be copied, and nothing taken for a
/// request.
std::string roff(std::string_view text);
/// The same with everything that looks like an option in bold.
std::string roff_with_options(std::string_view text);
std::string roff_bold(std::string_view text);
std::string roff_italic(std::string_view text);

}  // namespace davit::tool
