#include "tar/folder_tar.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/file.h"
#include "io/folder.h"
#include "tar/entry.h"
#include "tar/write.h"

namespace davit::tar {
namespace {

constexpr std::size_t kLongestPath = 4096;

/// The folder and what was found in it. Immutable.
struct Listing {
  std::shared_ptr<const io::Folder> root;
  std::vector<Entry> entries;  ///< names are paths below the root
};

class Survey {
 public:
  Survey(std::shared_ptr<const io::Folder> root, const FolderTarOptions& options, const CallContext& context)
      : options_(options), context_(context) {
    listing_.root = std::move(root);
  }

  Result<Listing> run() {
    DAVIT_TRY_VOID(open(""));
    while (!waiting_.empty()) {
      DAVIT_TRY_VOID(check(context_));
      const std::string path = std::move(waiting_.back());
      waiting_.pop_back();
      DAVIT_TRY_VOID(add(path));
    }
    return std::move(listing_);
  }
  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  [[nodiscard]] std::string full(const std::string& path) const { return listing_.root->path() + "/" + path; }

  /// Its names are looked at next, in their order.
  Result<> open(const std::string& path) {
    DAVIT_TRY(const auto folder, io::Folder::open(path.empty() ? listing_.root->path() : full(path)));
    DAVIT_TRY(std::vector<std::string> names, folder->names());
    std::sort(names.begin(), names.end(), std::greater<>());  // taken from the back
    for (const std::string& name : names) {
      std::string below = path.empty() ? name : path + "/" + name;
      if (below.size() > kLongestPath)
        return make_error(Errc::local_io, escaped(below, 200) + ": nested too deep");
      waiting_.push_back(std::move(below));
    }
    return {};
  }

  Result<> add(const std::string& path) {
    struct stat status {};
    if (::fstatat(listing_.root->file().descriptor(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return errno_error("stat " + escaped(full(path), 400), errno);
    Entry entry{.name = path};
    entry.attributes = attributes(status);
    if (S_ISSOCK(status.st_mode)) {
      notes_.push_back(escaped(full(path), 400) + " is a socket, which no tar holds, and was left out");
      return {};
    }
    DAVIT_TRY_VOID(set_kind(status, entry));
    const bool folder = S_ISDIR(status.st_mode);
    listing_.entries.push_back(std::move(entry));
    return folder ? open(path) : Result<>();
  }

  [[nodiscard]] Attributes attributes(const struct stat& status) const {
    Attributes out;
    out.mode = status.st_mode & 07777;
    if (options_.keep_owners) {
      out.user = status.st_uid;
      out.group = status.st_gid;
    }
    const std::int64_t own = std::max<std::int64_t>(status.st_mtim.tv_sec, 0);
    out.mtime = options_.time ? options_.time->time_since_epoch().count() : own;
    return out;
  }

  Result<> set_kind(const struct stat& status, Entry& entry) {
    if (S_ISDIR(status.st_mode)) {
      entry.type = '5';
    } else if (S_ISLNK(status.st_mode)) {
      entry.type = '2';
      DAVIT_TRY(entry.link, target_of(entry.name));
    } else if (S_ISFIFO(status.st_mode)) {
      entry.type = '6';
    } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
      entry.type = S_ISCHR(status.st_mode) ? '3' : '4';
      entry.attributes.device_major = major(status.st_rdev);
      entry.attributes.device_minor = minor(status.st_rdev);
    } else {
      const auto same = std::make_pair(status.st_dev, status.st_ino);
      const auto first = status.st_nlink > 1 ? files_.emplace(same, entry.name).first : files_.end();
      if (first != files_.end() && first->second != entry.name) {
        entry.type = '1';
        entry.link = first->second;
        return {};
      }
      entry.size = static_cast<std::uint64_t>(status.st_size);
      keep_capability(entry);
    }
    return {};
  }

  [[nodiscard]] Result<std::string> target_of(const std::string& path) const {
    std::string out(kLongestPath, '\0');
    const ssize_t length =
        ::readlinkat(listing_.root->file().descriptor(), path.c_str(), out.data(), out.size());
    if (length < 0) return errno_error("read the link " + escaped(full(path), 400), errno);
    out.resize(static_cast<std::size_t>(length));
    return out;
  }

  void keep_capability(Entry& entry) const {
    char value[64];
    const ssize_t length = ::lgetxattr(full(entry.name).c_str(), "security.capability", value, sizeof value);
    if (length > 0)
      entry.attributes.records["SCHILY.xattr.security.capability"] =
          std::string(value, static_cast<std::size_t>(length));
  }

  const FolderTarOptions& options_;
  const CallContext& context_;
  Listing listing_;
  std::vector<std::string> waiting_;                      ///< paths, the next one last
  std::map<std::pair<dev_t, ino_t>, std::string> files_;  ///< those with several names, by their first
  std::vector<std::string> notes_;
};

/// Writes head, content and padding of one entry after the other.
class FolderTarSource final : public ByteSource {
 public:
  FolderTarSource(std::shared_ptr<const Listing> listing, CallContext context)
      : listing_(std::move(listing)), context_(std::move(context)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    for (;;) {
      if (position_ < text_.size()) {
        const std::size_t count = std::min(into.size(), text_.size() - position_);
        std::memcpy(into.data(), text_.data() + position_, count);
        position_ += count;
        return count;
      }
      if (left_ != 0) return read_file(into);
      if (ended_) return std::size_t{0};
      DAVIT_TRY_VOID(check(context_));
      DAVIT_TRY_VOID(step());
    }
  }

 private:
  Result<std::size_t> read_file(std::span<std::byte> into) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    DAVIT_TRY(const std::size_t count, file_.read_at(size_ - left_, into.first(room)));
    if (count == 0) return changed();
    left_ -= count;
    if (left_ == 0) {
      text_.assign(padding(size_), '\0');
      position_ = 0;
    }
    return count;
  }

  /// The next entry, or the end.
  Result<> step() {
    position_ = 0;
    if (next_ == listing_->entries.size()) {
      text_.assign(kEnd, '\0');
      ended_ = true;
      return {};
    }
    const Entry& entry = listing_->entries[next_++];
    text_ = entry_head(entry, entry.name, entry.link);
    if (entry.type != '0') return {};
    DAVIT_TRY(file_,
              io::File::open_at(listing_->root->file(), entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    DAVIT_TRY(const std::uint64_t now, file_.size());
    size_ = left_ = entry.size;
    if (now != entry.size) return changed();
    return {};
  }

  [[nodiscard]] Error changed() const {
    return make_error(Errc::local_io, listing_->root->shown(listing_->entries[next_ - 1].name) +
                                          " was changed while it was read");
  }

  const std::shared_ptr<const Listing> listing_;  // co-owned by the content
  const CallContext context_;
  std::size_t next_ = 0;
  std::string text_;
  std::size_t position_ = 0;
  io::File file_;
  std::uint64_t size_ = 0;
  std::uint64_t left_ = 0;
  bool ended_ = false;
};

class FolderTarContent final : public Content {
 public:
  explicit FolderTarContent(std::shared_ptr<const Listing> listing) : listing_(std::move(listing)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    auto source = std::make_unique<FolderTarSource>(listing_, context);
    std::vector<std::byte> dropped(std::min<std::uint64_t>(offset, 64u << 10));
    while (offset != 0) {
      const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(offset, dropped.size()));
      DAVIT_TRY(const std::size_t count, source->read(std::span(dropped).first(room)));
      if (count == 0) return make_error(Errc::internal, "an offset beyond the end of a tar");
      offset -= count;
    }
    return std::unique_ptr<ByteSource>(std::move(source));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return std::nullopt; }

 private:
  const std::shared_ptr<const Listing> listing_;  // co-owned by the sources that read it
};

}  // namespace

Result<FolderTar> folder_tar(const std::string& path, const FolderTarOptions& options,
                             const CallContext& context) {
  DAVIT_TRY(auto root, io::Folder::open(path));
  Survey survey(std::move(root), options, context);
  DAVIT_TRY(Listing listing, survey.run());
  return FolderTar{.content = std::make_shared<const FolderTarContent>(
                       std::make_shared<const Listing>(std::move(listing))),
                   .notes = survey.take_notes()};
}

}  // namespace davit::tar
