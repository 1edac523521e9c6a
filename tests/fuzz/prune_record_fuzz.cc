// Any bytes as a line of the record of what a mirror has deleted.
#include <cstdint>
#include <string_view>

#include <davit/mirror.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = davit::parse_prune_record(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!record) return 0;
  const auto again = davit::parse_prune_record(davit::to_json_line(*record));
  if (!again || again->manifest != record->manifest || again->digest != record->digest) __builtin_trap();
  return 0;
}
