#include "layout/layout.h"

#include <cerrno>
#include <optional>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/choose_image.h"
#include "io/file.h"
#include "io/read_all.h"

namespace davit::layout {
namespace {

constexpr std::size_t kMaxIndex = Manifest::kMaxSize;

/// Opens `name` in `directory` when it is a regular file there, not a link to one: a layout from somewhere
/// else must not make davit publish files of this machine. Empty when there is nothing of that name.
Result<std::optional<io::File>> open_regular(const io::File& directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<io::File>();
    return errno_error("stat " + escaped(name, 200), errno);
  }
  if (S_ISREG(status.st_mode)) {
    // The answer may be stale by now: neither links nor devices are opened for real.
    auto file = io::File::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return file.error();
    if (::fstat(file->descriptor(), &status) == 0 && S_ISREG(status.st_mode))
      return std::optional(*std::move(file));
  }
  return make_error(Errc::denied, escaped(name, 200) + " is not a regular file",
                    S_ISLNK(status.st_mode) ? "copy the layout with its links resolved: cp -rL" : "");
}

Result<std::optional<io::File>> open_folder(const io::File& directory, const std::string& name) {
  auto folder = io::File::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (folder) return std::optional(*std::move(folder));
  struct stat status {};
  if (::fstatat(directory.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return std::optional<io::File>();
  if (S_ISDIR(status.st_mode)) return folder.error();
  return make_error(Errc::denied, escaped(name, 200) + " is not a plain directory");
}

class DirectoryShelf final : public content::BlobShelf {
 public:
  DirectoryShelf(io::File root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}

  [[nodiscard]] Result<std::optional<std::uint64_t>> size(const Digest& digest) const override {
    DAVIT_TRY(const auto file, find(digest));
    if (!file) return std::optional<std::uint64_t>();
    DAVIT_TRY(const std::uint64_t size, file->size());
    return std::optional(size);
  }

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const Digest& digest, std::uint64_t offset,
                                                         const CallContext& context) const override {
    DAVIT_TRY(auto found, find(digest));
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
  [[nodiscard]] Result<std::optional<io::File>> find(const Digest& digest) const {
    DAVIT_TRY(const auto blobs, open_folder(root_, "blobs"));
    if (!blobs) return std::optional<io::File>();
    DAVIT_TRY(const auto algorithm, open_folder(*blobs, std::string(digest.algorithm_name())));
    if (!algorithm) return std::optional<io::File>();
    return open_regular(*algorithm, digest.hex());
  }

  io::File root_;
  std::string name_;
};

Result<std::string> read_document(const io::File& root, const std::string& name) {
  DAVIT_TRY(auto found, open_regular(root, name));
  if (!found) return make_error(Errc::not_found, "no " + name + ", so not an OCI image layout");
  auto file = std::make_shared<const io::File>(*std::move(found));  // co-owned by the source
  DAVIT_TRY(const std::uint64_t size, file->size());
  DAVIT_TRY(const auto source, io::FileContent(std::move(file), 0, size, name).open(0, {}));
  auto bytes = io::read_all(*source, kMaxIndex);
  if (!bytes) return bytes.error().with_context(name);
  return bytes;
}

Result<std::unique_ptr<content::OciView>> open_view(io::File root, const std::string& name,
                                                    content::AbsentPlatforms absent) {
  DAVIT_TRY(const std::string marker, read_document(root, "oci-layout"));
  DAVIT_TRY(const std::string index, read_document(root, "index.json"));
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
