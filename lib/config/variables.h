#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::config {

/// The value of a variable; empty when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string&)>;

/// A value of a file, and how it stands there. What was filled in may be a secret: messages show `written`.
struct FilledText {
  std::string text;
  std::string written;
  bool filled = false;  ///< something was put in
};

/// Fills in `${NAME}`, `${NAME:-default}` (for a variable that is unset or empty) and `${NAME:?message}`;
/// `$$` is a `$`, and so is one before anything else. Errors: invalid_argument, without the value of any
/// variable.
Result<FilledText> filled(std::string_view written, const Variables& variables);

}  // namespace davit::config
