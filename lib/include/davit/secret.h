#pragma once

#include <string>
#include <utility>

#include <davit/export.h>

namespace davit {

/// A password or token. It cannot be printed or compared by accident, and its memory is wiped when it goes.
/// Thread rule: as std::string.
class DAVIT_EXPORT Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The text itself, for the one place that puts it on the wire.
  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace davit
