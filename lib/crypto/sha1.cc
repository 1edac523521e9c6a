#include "crypto/sha1.h"

#include <array>

#include <openssl/evp.h>

#include "crypto/hmac.h"

namespace davit::crypto {

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace davit::crypto
