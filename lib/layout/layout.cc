#include "layout/layout.h"

#include <optional>
#include <utility>
#include <variant>

#include <fcntl.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/choose_image.h"
#include "io/file.h"
#include "layout/entries.h"

namespace davit::layout {
namespace {

class DirectoryShelf final : public content::BlobShelf {
 public:
  DirectoryShelf(io::File root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}

  [[nodiscard]] Result<std::optional<std::uint64_t>> size(const Digest& digest) const override {
    DAVIT_TRY(const auto file, open_blob(root_, digest));
    if (!file) return std::optional<std::uint64_t>();
    DAVIT_TRY(const std::uint64_t size, file->size());
    return std::optional(size);
  }

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const Digest& digest, std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto found, open_blob(root_, digest));
    if (!found) return make_error(Errc::not_found, "blob " + digest.to_string() + " is missing");
    auto file = std::make_shared<const io::File>(*std::move(found));  // co-owned by the source
    DAVIT_TRY(const std::uint64_t size, file->size());
    if (offset > size)
      return make_error(Errc::corrupt,
                        "blob " + digest.short_form() + " is shorter than its descriptor says");
    return io::FileContent(std::move(file), 0, size, name_ + ", blob " + digest.short_form())
        .open(offset, context);
  }

 private:
  io::File root_;
  std::string name_;
};

Result<std::string> need_document(const io::File& root, const std::string& name) {
  DAVIT_TRY(auto bytes, read_document(root, name));
  if (!bytes) return make_error(Errc::not_found, "no " + name + ", so not an OCI image layout");
  return *std::move(bytes);
}

Result<std::unique_ptr<content::OciView>> open_view(io::File root, const std::string& name,
                                                    content::AbsentPlatforms absent) {
  DAVIT_TRY(const std::string marker, need_document(root, "oci-layout"));
  DAVIT_TRY(const std::string index, need_document(root, "index.json"));
  auto shelf = std::make_shared<const DirectoryShelf>(std::move(root), name);  // co-owned by the view
  return content::OciView::create(marker, index, std::move(shelf), absent);
}

}  // namespace

Result<std::shared_ptr<Layout>> Layout::open(const std::string& directory, content::AbsentPlatforms absent) {
  DAVIT_TRY(auto root, io::File::open(directory, O_RDONLY | O_DIRECTORY));
  const std::string name = escaped(directory, 400);
  auto view = open_view(std::move(root), name, absent);
  if (!view) return view.error().with_context(name);
  return std::shared_ptr<Layout>(new Layout(*std::move(view)));
}

Result<content::StoredImage> Layout::image(std::size_t position, const CallContext& context) {
  return view_->image(position, context);
}

Result<Descriptor> Layout::resolve(std::string_view name, const CallContext& context) {
  if (const auto digest = Digest::parse(name)) {
    auto found = view_->manifest(*digest, {}, context);
    if (found) return found->descriptor();
    return found.error();
  }
  DAVIT_TRY(const std::size_t position, content::choose_image(images(), name));
  DAVIT_TRY(const content::StoredImage image, view_->image(position, context));
  return std::get<Descriptor>(image.root);
}

Result<Manifest> Layout::manifest(std::string_view name, const CallContext& context) {
  DAVIT_TRY(const Descriptor root, resolve(name, context));
  return view_->manifest(root.digest, root.media_type, context);
}

Result<std::unique_ptr<ByteSource>> Layout::open(const Descriptor& blob, std::uint64_t offset,
                                                 const CallContext& context) {
  return view_->open(blob, offset, context);
}

}  // namespace davit::layout
