#pragma once

#include <memory>
#include <utility>

#include <davit/content.h>

namespace davit::content {

/// Content whose descriptor has been found out. As thread-safe as what it wraps.
class KnownContent final : public Content {
 public:
  KnownContent(std::shared_ptr<const Content> inner, Descriptor descriptor)
      : inner_(std::move(inner)), descriptor_(std::move(descriptor)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    return inner_->open(offset, context);
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return descriptor_; }

 private:
  const std::shared_ptr<const Content> inner_;  // co-owned by whoever else reads it
  const Descriptor descriptor_;
};

}  // namespace davit::content
