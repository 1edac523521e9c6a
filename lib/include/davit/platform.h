#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

namespace davit {

/// The platform of an image, named as GOOS, GOARCH and variant are (OCI image index, "platform").
/// parse() and the readers of documents give names as Go spells them (`amd64` for `x86_64`), variants as they
/// are. normalized(), for comparing, drops arm64's variant `v8` and takes arm without a variant for `v7`.
struct DAVIT_EXPORT Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string os_version;
  std::vector<std::string> os_features;

  /// "linux/arm64", "linux/arm/v7", "windows/amd64:10.0.17763.1". A bare architecture means linux.
  /// Errors: invalid_argument.
  static Result<Platform> parse(std::string_view text);
  /// The machine this runs on, with `os` always "linux".
  static Platform host();

  [[nodiscard]] Platform normalized() const;
  /// Whether an image for `*this` is what someone asking for `wanted` means: empty fields of `wanted` match
  /// anything.
  [[nodiscard]] bool satisfies(const Platform& wanted) const;
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Platform&, const Platform&) = default;
};

}  // namespace davit
