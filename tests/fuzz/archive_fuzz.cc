// Any bytes as an image archive: tar headers, manifest.json, index.json, links.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <sys/mman.h>

#include "archive/archive.h"
#include "codec/decompress.h"

using namespace davit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  io::File file(::memfd_create("archive", MFD_CLOEXEC));
  if (!file.is_open() || !file.write_at(0, std::as_bytes(std::span(data, size)))) std::abort();
  auto archive = archive::Archive::open(std::move(file), "fuzz", {.expansion = {.bytes = 1 << 20}}, {});
  if (!archive) return 0;
  for (std::size_t i = 0; i < (*archive)->images().size(); ++i) {
    auto image = (*archive)->image(i, {});
    if (!image) continue;
    const auto* raw = std::get_if<content::RawImage>(&image->root);
    if (raw == nullptr) continue;
    for (const content::RawLayer& layer : raw->layers) {
      auto source = layer.content->open(0, {});
      std::vector<std::byte> buffer(4096);
      std::uint64_t total = 0;
      while (source) {
        auto count = (*source)->read(buffer);
        if (!count || *count == 0) break;
        total += *count;
      }
      if (total != layer.size) std::abort();  // sizes have been checked against the file
    }
  }
  return 0;
}
