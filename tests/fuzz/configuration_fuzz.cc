#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(davit::config::parse_configuration(text, "config.yaml").has_value());
  return 0;
}
