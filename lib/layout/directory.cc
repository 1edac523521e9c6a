#include "layout/directory.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "content/layout_index.h"
#include "content/oci_view.h"
#include "io/file_lock.h"
#include "layout/entries.h"
#include "model/write_manifest.h"

namespace davit::layout {
namespace {

constexpr char kMarkerFile[] = "oci-layout";
constexpr char kIndexFile[] = "index.json";
constexpr char kPartials[] = ".davit-partial";
constexpr std::chrono::hours kKept{7 * 24};

/// Of a directory without oci-layout, only what a killed run may have left there is not somebody else's.
Result<> refuse_strangers(const io::Folder& root) {
  constexpr std::array<std::string_view, 3> kOurs{"blobs", kIndexFile, kPartials};
  DAVIT_TRY(const std::vector<std::string> names, root.names());
  for (const std::string& name : names) {
    if (name == kMarkerFile || std::ranges::find(kOurs, name) != kOurs.end()) continue;
    return make_error(Errc::invalid_argument,
                      "not an OCI image layout, and not empty (it holds \"" + escaped(name, 120) + "\")",
                      "name an empty or a new directory");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Directory>> Directory::open(const std::string& path, io::Durability durability,
                                                   bool resume, const CallContext& context) {
  DAVIT_TRY(auto root, io::Folder::make(path, durability));
  const std::shared_ptr<Directory> directory(new Directory(std::move(root), path, durability, resume));
  DAVIT_TRY_VOID(directory->prepare(context));
  return directory;
}

Result<> Directory::prepare(const CallContext& context) {
  auto marked = mark();
  if (!marked) return marked.error().with_context(escaped(path_, 400));
  DAVIT_TRY_VOID(
      edit_index([](std::string_view index) { return content::with_unnamed(index, {}); }, context));
  DAVIT_TRY_VOID(root_->make_below("blobs", durability_));
  if (const auto partials = open_folder(root_->file(), kPartials); partials && *partials) {
    DAVIT_TRY(const auto folder, root_->make_below(kPartials, durability_));
    io::StagedFile::sweep(*folder, "", resume_ ? kKept : std::chrono::hours(0));
    tidy();
  }
  return {};
}

/// Makes this a layout, or finds out that it is one.
Result<> Directory::mark() {
  DAVIT_TRY(const auto marker, read_document(root_->file(), kMarkerFile));
  if (marker) {
    DAVIT_TRY_VOID(content::OciView::create(*marker, model::index_manifest(model::Format::oci, {}), nullptr,
                                            content::AbsentPlatforms::leave_out));
    return {};
  }
  DAVIT_TRY_VOID(refuse_strangers(*root_));
  return replace(kMarkerFile, content::kLayoutMarker);
}

Directory::~Directory() {
  if (full_) {
    if (const auto folder = root_->make_below(kPartials, io::Durability::unsynced))
      io::StagedFile::sweep(**folder, "", std::chrono::seconds(0));
  }
  tidy();
}

void Directory::tidy() {
  drop_needless();
  ::unlinkat(root_->file().descriptor(), kPartials, AT_REMOVEDIR);
}

/// Of two runs that bring the same blob one goes on with the file that was kept, and the other one may be
/// done first. When the former is killed, nobody would come back for its file.
void Directory::drop_needless() {
  const auto partials = open_folder(root_->file(), kPartials);
  if (!partials || !*partials) return;
  const auto folder = root_->make_below(kPartials, io::Durability::unsynced);
  if (!folder) return;
  const auto names = (*folder)->names();
  if (!names) return;
  for (const std::string& name : *names) {
    std::string written = name;
    const auto dash = written.find('-');
    if (dash == std::string::npos) continue;
    written[dash] = ':';
    const auto digest = Digest::parse(written);
    if (!digest) continue;
    const auto there = open_blob(root_->file(), *digest);
    if (there && *there) io::StagedFile::sweep(**folder, name, std::chrono::seconds(0));
  }
}

Result<std::unique_ptr<io::StagedFile>> Directory::in_partials(
    const std::function<Result<std::unique_ptr<io::StagedFile>>(std::shared_ptr<const io::Folder>)>& make) {
  constexpr int kTries = 100;  // another process may tidy up between the two steps
  for (int i = 0;; ++i) {
    DAVIT_TRY(const auto folder, root_->make_below(kPartials, io::Durability::unsynced));
    auto file = make(folder);
    if (file || !folder->is_gone() || i == kTries) return file;
  }
}

Result<std::unique_ptr<io::StagedFile>> Directory::stage(const Digest& digest) {
  const std::string name = std::string(digest.algorithm_name()) + "-" + digest.hex();
  return in_partials(
      [&](std::shared_ptr<const io::Folder> folder) -> Result<std::unique_ptr<io::StagedFile>> {
        if (resume_) {
          DAVIT_TRY(auto file, io::StagedFile::claim(folder, name));
          if (file) return file;
        }
        return io::StagedFile::temporary(std::move(folder), name);
      });
}

Result<std::unique_ptr<io::StagedFile>> Directory::stage_unknown() {
  return in_partials([](std::shared_ptr<const io::Folder> folder) {
    return io::StagedFile::temporary(std::move(folder), "blob");
  });
}

bool Directory::worth_keeping(const io::StagedFile& file) {
  if (file.disk_was_full()) full_ = true;
  if (!resume_ || full_) return false;
  const auto size = file.file().size();
  return size && *size > 0;
}

Result<> Directory::publish(io::StagedFile& file, const Digest& digest) {
  DAVIT_TRY(const auto blobs, root_->make_below("blobs", durability_));
  DAVIT_TRY(const auto folder, blobs->make_below(std::string(digest.algorithm_name()), durability_));
  return file.publish(*folder, digest.hex(), durability_);
}

Result<bool> Directory::holds(const Descriptor& blob, const CallContext& context) const {
  auto there = holds_blob(root_->file(), blob, context);
  if (!there) return there.error().with_context(escaped(path_, 400));
  return there;
}

Result<io::File> Directory::lock_index(const CallContext& context) {
  DAVIT_TRY(io::File own, io::File::open_at(root_->file(), ".", O_RDONLY | O_DIRECTORY));
  auto locked = io::lock(own, context);
  if (locked) return own;
  if (locked.error().code != Errc::unsupported) return std::move(locked).error();
  // NFS locks only what is open for writing, which no directory is. Where that fails too, there are no locks
  // at all.
  auto marker = io::File::open_at(root_->file(), kMarkerFile, O_RDWR | O_NOFOLLOW);
  if (!marker) return own;
  locked = io::lock(*marker, context);
  if (locked || locked.error().code == Errc::unsupported) return marker;
  return std::move(locked).error();
}

Result<> Directory::edit_index(const std::function<Result<std::string>(std::string_view)>& edit,
                               const CallContext& context) {
  DAVIT_TRY(const io::File held, lock_index(context));
  const auto before = read_document(root_->file(), kIndexFile);
  if (!before) return before.error().with_context(escaped(path_, 400));
  auto after = edit(*before ? **before : model::index_manifest(model::Format::oci, {}));
  if (!after) return after.error().with_context(root_->shown(kIndexFile));
  if (*before == *after) return {};
  return replace(kIndexFile, *after);
}

Result<> Directory::replace(const std::string& name, std::string_view bytes) {
  DAVIT_TRY(const auto file, in_partials([&](std::shared_ptr<const io::Folder> folder) {
              return io::StagedFile::temporary(std::move(folder), name);
            }));
  DAVIT_TRY_VOID(file->write_at(0, std::as_bytes(std::span(bytes))));
  return file->publish(*root_, name, durability_);
}

}  // namespace davit::layout
