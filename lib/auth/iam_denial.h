#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::auth {

/// What AWS says when somebody may not do something: "User: ARN is not authorized to perform: ecr:PutImage on
/// resource: ARN because ...".
struct IamDenial {
  std::string who;
  std::string action;    ///< "ecr:PutImage"
  std::string resource;  ///< empty when the text names none

  /// "ecr:PutImage is not allowed on ARN for ARN".
  [[nodiscard]] std::string text() const;
  /// What would cure it.
  [[nodiscard]] std::string hint() const;
};

/// Reads such a text; empty for any other.
std::optional<IamDenial> parse_iam_denial(std::string_view text);

}  // namespace davit::auth
