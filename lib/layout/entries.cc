#include "layout/entries.h"

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include <davit/manifest.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/read_all.h"
#include "io/verified.h"

namespace davit::layout {

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

Result<std::optional<io::File>> open_blob(const io::File& root, const Digest& digest) {
  DAVIT_TRY(const auto blobs, open_folder(root, "blobs"));
  if (!blobs) return std::optional<io::File>();
  DAVIT_TRY(const auto algorithm, open_folder(*blobs, std::string(digest.algorithm_name())));
  if (!algorithm) return std::optional<io::File>();
  return open_regular(*algorithm, digest.hex());
}

Result<bool> holds_blob(const io::File& root, const Descriptor& blob, const CallContext& context) {
  DAVIT_TRY(auto found, open_blob(root, blob.digest));
  if (!found) return false;
  auto file = std::make_shared<const io::File>(*std::move(found));  // co-owned by the source
  DAVIT_TRY(const std::uint64_t size, file->size());
  if (size != blob.size) return false;
  const io::FileContent content(std::move(file), 0, size, "blob " + blob.digest.short_form());
  DAVIT_TRY(auto source, content.open(0, context));
  source = io::verified(std::move(source), blob);
  std::vector<std::byte> buffer(256 << 10);
  for (;;) {
    const auto count = source->read(buffer);
    if (!count && count.error().code == Errc::corrupt) return false;
    if (!count) return count.error();
    if (*count == 0) return true;
  }
}

Result<std::optional<std::string>> read_document(const io::File& root, const std::string& name) {
  DAVIT_TRY(auto found, open_regular(root, name));
  if (!found) return std::optional<std::string>();
  auto file = std::make_shared<const io::File>(*std::move(found));  // co-owned by the source
  DAVIT_TRY(const std::uint64_t size, file->size());
  DAVIT_TRY(const auto source, io::FileContent(std::move(file), 0, size, name).open(0, {}));
  auto bytes = io::read_all(*source, Manifest::kMaxSize);
  if (!bytes) return bytes.error().with_context(name);
  return std::optional(*std::move(bytes));
}

}  // namespace davit::layout
