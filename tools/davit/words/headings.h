#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::tool {

/// Where a command stands in the list of davit's commands.
struct Place {
  std::string heading;
  std::size_t order = 0;  ///< commands are listed by this number
};

/// Of a command of davit itself. One that the table in headings.cc does not have comes last.
Place place_of(std::string_view command);

/// The order of a heading that options stand under.
std::size_t order_of_options(std::string_view heading);

}  // namespace davit::tool
