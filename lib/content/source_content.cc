#include "content/source_content.h"

namespace davit::content {
namespace {

class BlobContent final : public Content {
 public:
  BlobContent(std::shared_ptr<ContentSource> source, Descriptor blob)
      : source_(std::move(source)), blob_(std::move(blob)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    return source_->open(blob_, offset, context);
  }

  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return blob_; }

 private:
  std::shared_ptr<ContentSource> source_;  // co-owned by all contents cut from it
  Descriptor blob_;
};

}  // namespace

std::shared_ptr<const Content> blob_content(std::shared_ptr<ContentSource> source, Descriptor blob) {
  return std::make_shared<BlobContent>(std::move(source), std::move(blob));
}

}  // namespace davit::content
