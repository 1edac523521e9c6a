#pragma once

#include <memory>
#include <string>

#include <davit/content.h>

namespace davit::io {

/// Bytes that are already in memory, as a source. Shares the string.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::shared_ptr<const std::string> bytes, std::size_t offset = 0);
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  std::shared_ptr<const std::string> bytes_;  // co-owned by the content it came from
  std::size_t offset_;
};

/// Bytes that are already in memory, as content: a config, a document that davit wrote.
class MemoryContent final : public Content {
 public:
  /// The digest is computed here.
  MemoryContent(std::string bytes, std::string media_type);

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override;
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return descriptor_; }

 private:
  std::shared_ptr<const std::string> bytes_;  // co-owned by the sources that read it
  Descriptor descriptor_;
};

}  // namespace davit::io
