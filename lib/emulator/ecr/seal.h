#pragma once

#include <string>
#include <string_view>

#include "crypto/hmac.h"

namespace davit::emulator {

/// What goes with a token that the emulator gives out, so that it needs to remember none: 64 hex digits that
/// nobody makes up by accident. `purpose` keeps a token of one kind from passing as another.
inline std::string seal(std::string_view purpose, std::string_view text) {
  return crypto::hex(crypto::hmac_sha256(purpose, text));
}
inline constexpr std::size_t kSealSize = 64;

}  // namespace davit::emulator
