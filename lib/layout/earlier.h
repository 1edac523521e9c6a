#pragma once

#include <string>

#include <davit/content.h>

namespace davit::layout {

/// What a layout that is being written holds at the moment of the question, as a source. Names are only taken
/// as they are written in index.json: these are the entries that a writer would replace. Thread-safe.
class EarlierImages final : public ContentSource {
 public:
  explicit EarlierImages(std::string directory) : directory_(std::move(directory)) {}

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override;
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override;

 private:
  std::string directory_;
};

}  // namespace davit::layout
