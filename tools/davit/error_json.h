#pragma once

#include <nlohmann/json_fwd.hpp>

#include <davit/error.h>

namespace davit::tool {

/// An error in a result that is printed as JSON: code, message, and hint and status where there are any.
nlohmann::ordered_json to_json(const Error& error);

}  // namespace davit::tool
