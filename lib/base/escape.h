#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit {

/// Foreign text made fit for a message: control bytes and invalid UTF-8 as \xNN, newlines as \n, and at most
/// `limit` bytes of it, with "..." where it was cut.
std::string escaped(std::string_view text, std::size_t limit = 200);

/// Strictly valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace davit
