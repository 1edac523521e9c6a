#pragma once

#include <memory>
#include <string>
#include <vector>

#include <davit/content.h>

#include "content/oci_view.h"
#include "content/stored_image.h"

namespace davit::layout {

/// An OCI image layout directory as a source. Nothing inside it is followed through a symbolic link; files
/// that the index does not lead to are ignored. Thread-safe.
class Layout final : public ContentSource, public ReferrerLister {
 public:
  /// Errors: not_found when it is no layout, denied for links where files are expected, corrupt, unsupported,
  /// local_io.
  static Result<std::shared_ptr<Layout>> open(const std::string& directory, content::AbsentPlatforms absent);

  [[nodiscard]] const std::vector<content::ImageListing>& images() const { return view_->images(); }
  /// REQUIRES: position < images().size(). Errors: those of content::OciView::image.
  Result<content::StoredImage> image(std::size_t position, const CallContext& context);

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override;
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override;
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext&) override {
    return view_->blob_size(blob);
  }
  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context) override {
    return view_->referrers(subject, context);
  }
  ReferrerLister* referrer_lister() override { return this; }

 private:
  explicit Layout(std::unique_ptr<content::OciView> view) : view_(std::move(view)) {}

  std::unique_ptr<content::OciView> view_;
};

}  // namespace davit::layout
