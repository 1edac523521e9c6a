#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit {

/// A content digest, as the OCI image specification's "Digests" section writes it: `sha256:` or `sha512:` and
/// lower-case hex of the right length. Nothing else is ever a Digest, so one can be put into a path or URL
/// unasked. A value type; a default-constructed one is empty and equal to no parsed digest.
class DAVIT_EXPORT Digest {
 public:
  enum class Algorithm : std::uint8_t { sha256, sha512 };

  Digest() = default;

  /// Errors: corrupt, naming the (escaped, shortened) text.
  static Result<Digest> parse(std::string_view text);
  /// REQUIRES: raw.size() is 32 for sha256, 64 for sha512.
  static Digest from_raw(Algorithm algorithm, std::span<const std::byte> raw);
  /// The digest of these bytes.
  static Digest of(std::string_view bytes, Algorithm algorithm = Algorithm::sha256);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] std::string_view algorithm_name() const;
  [[nodiscard]] std::string hex() const;
  /// "sha256:…" in full; empty for an empty digest.
  [[nodiscard]] std::string to_string() const;
  /// "sha256:0123456789ab", for people.
  [[nodiscard]] std::string short_form() const;

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  friend struct std::hash<Digest>;
  std::array<std::byte, 64> raw_{};
  std::uint8_t size_ = 0;
  Algorithm algorithm_ = Algorithm::sha256;
};

}  // namespace davit

template <>
struct std::hash<davit::Digest> {
  std::size_t operator()(const davit::Digest& digest) const noexcept {
    std::size_t value = 0;  // the digest is already uniformly distributed: its first bytes serve as they are
    for (std::size_t i = 0; i < sizeof value; ++i)
      value = value << 8 | std::to_integer<std::size_t>(digest.raw_[i]);
    return value;
  }
};
