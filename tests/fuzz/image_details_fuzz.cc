// Any bytes as an image configuration, read for people.
#include <cstdint>
#include <string_view>

#include <davit/image_details.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto details =
      davit::ImageDetails::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!details) return 0;
  for (const std::size_t layers : {std::size_t{0}, details->diff_ids.size()}) {
    for (const std::size_t step : details->steps_of_layers(layers)) {
      if (step >= details->history.size() || details->history[step].empty_layer) __builtin_trap();
    }
  }
  return 0;
}
