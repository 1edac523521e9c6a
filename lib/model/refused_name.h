#pragma once

#include <string_view>

#include <davit/error.h>

namespace davit::model {

/// Why a name with an "@" that may hide credentials cannot be: it holds some, or nothing stands behind the
/// last "@", where a digest belongs. The name is not repeated. Code: invalid_argument.
Error refused_name(std::string_view name);

}  // namespace davit::model
