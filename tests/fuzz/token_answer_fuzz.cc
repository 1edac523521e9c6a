#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/token_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = davit::auth::parse_token_answer({reinterpret_cast<const char*>(data), size});
  if (!answer) return 0;
  if (answer->token.empty() || answer->lifetime < std::chrono::seconds(60)) std::abort();
  for (const char c : answer->token.reveal()) {
    if (c <= ' ' || c >= 0x7f) std::abort();  // it goes into a header as it is
  }
  return 0;
}
