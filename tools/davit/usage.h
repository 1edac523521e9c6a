#pragma once

#include <string>
#include <utility>

#include <davit/error.h>

namespace davit::tool {

/// What was typed cannot be meant.
inline Error usage(std::string message, std::string hint = {}) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

}  // namespace davit::tool
