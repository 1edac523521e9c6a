#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/mirror_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const davit::config::MirrorSurroundings surroundings{
      .variables = [](const std::string& name) -> std::optional<std::string> {
        if (name.size() % 2 == 0) return {};
        return name;
      },
      .small_file = [](const std::string& path) -> davit::Result<std::string> { return path; }};
  static_cast<void>(davit::config::parse_mirror_file(text, "mirror.yaml", surroundings).has_value());
  return 0;
}
