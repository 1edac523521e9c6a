#include <davit/digest.h>

#include <algorithm>
#include <cassert>

#include "base/error.h"
#include "base/escape.h"
#include "crypto/hasher.h"

namespace davit {
namespace {

constexpr std::size_t raw_size(Digest::Algorithm algorithm) {
  return algorithm == Digest::Algorithm::sha256 ? 32 : 64;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return make_error(Errc::corrupt, "digest \"" + escaped(text, 80) + "\": " + why);
  };
  if (text.empty()) return make_error(Errc::corrupt, "the digest is missing");
  Algorithm algorithm = Algorithm::sha256;
  if (text.starts_with("sha512:")) {
    algorithm = Algorithm::sha512;
  } else if (!text.starts_with("sha256:")) {
    return wrong("neither sha256 nor sha512");
  }
  const std::string_view hex = text.substr(7);
  if (hex.size() != 2 * raw_size(algorithm)) return wrong("wrong length");
  std::array<std::byte, 64> raw{};
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return wrong("not lower-case hexadecimal");
    raw[i / 2] = static_cast<std::byte>(high << 4 | low);
  }
  return from_raw(algorithm, std::span(raw).first(raw_size(algorithm)));
}

Digest Digest::from_raw(Algorithm algorithm, std::span<const std::byte> raw) {
  assert(raw.size() == raw_size(algorithm));
  Digest digest;
  digest.algorithm_ = algorithm;
  digest.size_ = static_cast<std::uint8_t>(raw.size());
  std::ranges::copy(raw, digest.raw_.begin());
  return digest;
}

Digest Digest::of(std::string_view bytes, Algorithm algorithm) {
  crypto::Hasher hasher(algorithm);
  hasher.update(std::as_bytes(std::span(bytes)));
  return hasher.digest();
}

std::string_view Digest::algorithm_name() const {
  return algorithm_ == Algorithm::sha256 ? "sha256" : "sha512";
}

std::string Digest::hex() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(std::size_t{2} * size_);
  for (std::size_t i = 0; i < size_; ++i) {
    const auto byte = std::to_integer<unsigned>(raw_[i]);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string Digest::to_string() const {
  return empty() ? std::string() : std::string(algorithm_name()) + ":" + hex();
}

std::string Digest::short_form() const {
  return to_string().substr(0, 7 + 12);
}

}  // namespace davit
