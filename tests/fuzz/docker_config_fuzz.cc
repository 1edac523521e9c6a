#include <cstddef>
#include <cstdint>
#include <string_view>

#include "auth/docker_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using davit::auth::DockerConfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto format : {DockerConfig::Format::config, DockerConfig::Format::dockercfg}) {
    const auto config = DockerConfig::parse(text, format);
    if (!config) continue;
    for (const char* host : {"docker.io", "r.example.com", "localhost:5000", ""}) {
      static_cast<void>(config->find(host, "team/app").has_value());
      static_cast<void>(config->helper_for(host));
    }
  }
  return 0;
}
