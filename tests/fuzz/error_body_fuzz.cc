#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "registry/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = davit::registry::parse_error_body({reinterpret_cast<const char*>(data), size});
  if (body.codes.size() > 16 || body.text.size() > 400) std::abort();
  for (const char c : body.text) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}
