// Any bytes as layers, one behind the other (the first byte says how many): the merge, what comes out of it,
// one file of it, and two of them compared.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include <davit/diff.h>
#include <davit/rootfs.h>

#include "support/layered_image.h"

using namespace davit;

namespace {

/// The merged tar holds each name once, behind its directory, and nothing that layers only know.
void check_tar(const std::string& bytes) {
  tar::Reader reader(std::make_unique<io::MemorySource>(std::make_shared<const std::string>(bytes)));
  std::set<std::string> names{"."};
  for (;;) {
    auto more = reader.next();
    if (!more) std::abort();
    if (!*more) return;
    std::string name = reader.entry().name;
    if (name.ends_with('/')) name.pop_back();
    if (name == "." && names.size() == 1) continue;
    if (name.empty() || name.front() == '/' || ("/" + name + "/").find("/../") != std::string::npos)
      std::abort();
    const auto slash = name.rfind('/');
    if (slash != std::string::npos && !names.contains(name.substr(0, slash) + "/")) std::abort();
    const std::string entry = reader.entry().type == '5' ? name + "/" : name;
    if (!names.insert(entry).second) std::abort();
    if (reader.entry().type == '1' && !names.contains(reader.entry().link)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t count = 1 + data[0] % 4;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = (bytes.size() / count + 511) / 512 * 512;
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < count; ++i)
    layers.push_back(i * step < bytes.size() ? bytes.substr(i * step, step) : std::string());
  test::LayeredImage image(layers);
  auto merged = flattened_root(image, image.image(), {});
  if (merged) {
    const auto tar = test::read_all(**merged);
    if (!tar) std::abort();  // everything that could be wrong has been seen
    check_tar(*tar);
  }
  for (const char* path : {"a", "d/a", "d/e/a"}) {
    auto file = read_file(image, image.image(), path, {});
    if (file) static_cast<void>(test::read_all(**file));
  }
  test::LayeredImage other({layers.front()});
  static_cast<void>(compare_files(image, image.image(), other, other.image(),
                                  [](const ComparedFile&) { return Result<>(); }, {}));
  return 0;
}
