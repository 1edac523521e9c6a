#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <davit/result.h>

namespace davit::model {

/// RE2 expressions, each matched against a whole text. Immutable; thread-safe.
class Patterns {
 public:
  Patterns();
  /// Errors: invalid_argument for a text that is no expression.
  static Result<Patterns> compile(std::span<const std::string> texts);

  [[nodiscard]] bool empty() const;
  /// Whether one of them matches.
  [[nodiscard]] bool match(std::string_view text) const;

 private:
  struct Compiled;
  explicit Patterns(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;  // co-owned by copies
};

}  // namespace davit::model
