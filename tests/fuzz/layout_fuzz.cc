// Any bytes as index.json; every digest it names leads to a blob that is chosen from a few.
#include <cstdint>
#include <string>

#include "content/choose_image.h"
#include "content/oci_view.h"
#include "io/memory.h"

using namespace davit;

namespace {

/// Holds every blob: the fuzzed document itself.
class EchoShelf final : public content::BlobShelf {
 public:
  explicit EchoShelf(std::string bytes) : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}
  [[nodiscard]] Result<std::optional<std::uint64_t>> size(const Digest& digest) const override {
    if (digest.hex().front() == '0') return std::optional<std::uint64_t>();
    return std::optional<std::uint64_t>(bytes_->size());
  }
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const Digest&, std::uint64_t offset,
                                                         const CallContext&) const override {
    return std::unique_ptr<ByteSource>(
        std::make_unique<io::MemorySource>(bytes_, static_cast<std::size_t>(offset)));
  }

 private:
  std::shared_ptr<const std::string> bytes_;  // co-owned by the sources
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(content::OciView::create(bytes, "{\"schemaVersion\":2,\"manifests\":[]}",
                                             std::make_shared<const EchoShelf>(bytes),
                                             content::AbsentPlatforms::leave_out));
  auto view =
      content::OciView::create("{\"imageLayoutVersion\":\"1.0.0\"}", bytes,
                               std::make_shared<const EchoShelf>(bytes), content::AbsentPlatforms::leave_out);
  if (!view) return 0;
  static_cast<void>(content::choose_image((*view)->images(), "app:1"));
  for (std::size_t i = 0; i < (*view)->images().size(); ++i) static_cast<void>((*view)->image(i, {}));
  return 0;
}
