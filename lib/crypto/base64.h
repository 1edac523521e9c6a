#pragma once

#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::crypto {

std::string base64_encode(std::string_view bytes);

/// Padding may be missing; both alphabets are read. Errors: corrupt, without the text (it may be a secret).
Result<std::string> base64_decode(std::string_view text);

}  // namespace davit::crypto
