#include "content/with_manifest.h"

#include <map>
#include <string>

namespace davit::content {
namespace {

class WithManifests final : public ContentSource {
 public:
  WithManifests(std::shared_ptr<ContentSource> inner, std::vector<Manifest> own) : inner_(std::move(inner)) {
    for (Manifest& each : own) {
      std::string name = each.descriptor().digest.to_string();
      own_.emplace(std::move(name), std::move(each));
    }
  }

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override {
    if (const auto own = own_.find(name); own != own_.end()) return own->second.descriptor();
    return inner_->resolve(name, context);
  }
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override {
    if (const auto own = own_.find(name); own != own_.end()) return own->second;
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
  const std::shared_ptr<ContentSource> inner_;        // co-owned by whoever else reads from it
  std::map<std::string, Manifest, std::less<>> own_;  // by digest
};

}  // namespace

std::shared_ptr<ContentSource> with_manifest(std::shared_ptr<ContentSource> source, Manifest manifest) {
  return with_manifests(std::move(source), {std::move(manifest)});
}

std::shared_ptr<ContentSource> with_manifests(std::shared_ptr<ContentSource> source,
                                              std::vector<Manifest> manifests) {
  return std::make_shared<WithManifests>(std::move(source), std::move(manifests));
}

}  // namespace davit::content
