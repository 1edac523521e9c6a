#include "crypto/base64.h"

#include <openssl/evp.h>

#include "base/ascii.h"
#include "base/error.h"

namespace davit::crypto {

std::string base64_encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string padded(text);
  for (char& c : padded) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const bool known = is_alnum(c) || c == '+' || c == '/';
    if (!known) return make_error(Errc::corrupt, "text that is not base64");
  }
  if (padded.size() % 4 == 1) return make_error(Errc::corrupt, "base64 text of an impossible length");
  const std::size_t missing = (4 - padded.size() % 4) % 4;
  padded.append(missing, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(padded.data()), static_cast<int>(padded.size()));
  if (size < 0) return make_error(Errc::corrupt, "text that is not base64");
  out.resize(static_cast<std::size_t>(size) - missing);
  return out;
}

}  // namespace davit::crypto
