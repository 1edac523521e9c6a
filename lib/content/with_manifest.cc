#include "content/with_manifest.h"

namespace davit::content {
namespace {

class WithManifest final : public ContentSource {
 public:
  WithManifest(std::shared_ptr<ContentSource> inner, Manifest own)
      : inner_(std::move(inner)), own_(std::move(own)), name_(own_.descriptor().digest.to_string()) {}

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override {
    if (name == name_) return own_.descriptor();
    return inner_->resolve(name, context);
  }
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override {
    if (name == name_) return own_;
    return inner_->manifest(name, context);
  }
  [[nodiscard]] std::size_t manifest_batch() const override { return inner_->manifest_batch(); }
  Result<std::vector<std::optional<Manifest>>> manifests(std::span<const std::string> names,
                                                         const CallContext& context) override {
    return inner_->manifests(names, context);
  }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override {
    return inner_->open(blob, offset, context);
  }
  TagLister* tag_lister() override { return inner_->tag_lister(); }
  RangeReader* range_reader() override { return inner_->range_reader(); }
  ReferrerLister* referrer_lister() override { return inner_->referrer_lister(); }

 private:
  const std::shared_ptr<ContentSource> inner_;  // co-owned by whoever else reads from it
  const Manifest own_;
  const std::string name_;
};

}  // namespace

std::shared_ptr<ContentSource> with_manifest(std::shared_ptr<ContentSource> source, Manifest manifest) {
  return std::make_shared<WithManifest>(std::move(source), std::move(manifest));
}

}  // namespace davit::content
