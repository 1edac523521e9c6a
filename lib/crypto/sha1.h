#pragma once

#include <string>
#include <string_view>

namespace davit::crypto {

/// SHA-1 in lower-case hexadecimal digits, for the file names of AWS's SSO token cache. It protects nothing.
std::string sha1_hex(std::string_view text);

}  // namespace davit::crypto
