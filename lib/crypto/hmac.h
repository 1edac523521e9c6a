#pragma once

#include <string>
#include <string_view>

namespace davit::crypto {

/// HMAC-SHA-256 (RFC 2104): 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// Lower-case hexadecimal digits.
std::string hex(std::string_view bytes);

}  // namespace davit::crypto
