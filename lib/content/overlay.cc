#include "content/overlay.h"

#include <map>
#include <string>

#include "base/error.h"
#include "base/try.h"

namespace davit::content {
namespace {

class Overlay final : public ContentSource, public RangeReader {
 public:
  Overlay(std::shared_ptr<ContentSource> inner, Additions more) : inner_(std::move(inner)) {
    for (Manifest& each : more.manifests) {
      std::string name = each.descriptor().digest.to_string();
      manifests_.emplace(std::move(name), std::move(each));
    }
    for (std::shared_ptr<const Content>& each : more.blobs) {
      const Digest digest = each->descriptor()->digest;
      blobs_.emplace(digest, std::move(each));
    }
  }

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override {
    if (const auto own = manifests_.find(name); own != manifests_.end()) return own->second.descriptor();
    return inner_ != nullptr ? inner_->resolve(name, context) : Result<Descriptor>(nothing(name));
  }
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override {
    if (const auto own = manifests_.find(name); own != manifests_.end()) return own->second;
    return inner_ != nullptr ? inner_->manifest(name, context) : Result<Manifest>(nothing(name));
  }
  [[nodiscard]] std::size_t manifest_batch() const override {
    return inner_ != nullptr ? inner_->manifest_batch() : 1;
  }
  Result<std::vector<std::optional<Manifest>>> manifests(std::span<const std::string> names,
                                                         const CallContext& context) override {
    std::vector<std::optional<Manifest>> out(names.size());
    std::vector<std::string> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (const auto own = manifests_.find(names[i]); own != manifests_.end()) {
        out[i] = own->second;
      } else {
        asked.push_back(names[i]);
        places.push_back(i);
      }
    }
    if (asked.empty() || inner_ == nullptr) return out;
    DAVIT_TRY(auto found, inner_->manifests(asked, context));
    for (std::size_t i = 0; i < places.size(); ++i) out[places[i]] = std::move(found[i]);
    return out;
  }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override {
    if (const auto own = blobs_.find(blob.digest); own != blobs_.end())
      return own->second->open(offset, context);
    if (inner_ == nullptr) return nothing(blob.digest.to_string());
    return inner_->open(blob, offset, context);
  }
  Result<std::unique_ptr<ByteSource>> open_range(const Descriptor& blob, ByteRange range,
                                                 const CallContext& context) override {
    if (blobs_.contains(blob.digest))
      return make_error(Errc::unsupported, "what is made here comes in one piece");
    return inner_->range_reader()->open_range(blob, range, context);
  }
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext& context) override {
    if (const auto own = blobs_.find(blob); own != blobs_.end()) return own->second->descriptor()->size;
    return inner_ != nullptr ? inner_->blob_size(blob, context)
                             : Result<std::uint64_t>(nothing(blob.to_string()));
  }
  TagLister* tag_lister() override { return inner_ != nullptr ? inner_->tag_lister() : nullptr; }
  RangeReader* range_reader() override {
    return inner_ != nullptr && inner_->range_reader() != nullptr ? this : nullptr;
  }
  ReferrerLister* referrer_lister() override {
    return inner_ != nullptr ? inner_->referrer_lister() : nullptr;
  }

 private:
  static Error nothing(std::string_view name) {
    return make_error(Errc::not_found, std::string(name) + " is not there").on(Side::source);
  }

  const std::shared_ptr<ContentSource> inner_;              // co-owned by whoever else reads from it
  std::map<std::string, Manifest, std::less<>> manifests_;  // by digest
  std::map<Digest, std::shared_ptr<const Content>> blobs_;  // co-owned by whoever reads them
};

}  // namespace

std::shared_ptr<ContentSource> overlay(std::shared_ptr<ContentSource> source, Additions more) {
  return std::make_shared<Overlay>(std::move(source), std::move(more));
}

std::shared_ptr<ContentSource> with_manifest(std::shared_ptr<ContentSource> source, Manifest manifest) {
  return with_manifests(std::move(source), {std::move(manifest)});
}

std::shared_ptr<ContentSource> with_manifests(std::shared_ptr<ContentSource> source,
                                              std::vector<Manifest> manifests) {
  return overlay(std::move(source), {.manifests = std::move(manifests), .blobs = {}});
}

}  // namespace davit::content
