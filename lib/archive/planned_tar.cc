#include "archive/planned_tar.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "archive/blob_entry.h"
#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/memory.h"
#include "io/written_part.h"
#include "tar/write.h"

namespace davit::archive {
namespace {

constexpr std::chrono::hours kKept{7 * 24};
constexpr std::size_t kBuffer = 256 << 10;
constexpr std::size_t kMoveBuffer = 1 << 20;

template <class T>
Result<T> here(Result<T> result) {
  if (!result) return result.error().on(Side::destination);
  return result;
}

Error wrong_length(const Digest& digest, std::uint64_t size) {
  return make_error(Errc::corrupt,
                    digest.to_string() + " has not the " + std::to_string(size) + " bytes it should have")
      .on(Side::source);
}

/// Where the archive really goes: links are followed, and nothing but a file is replaced.
Result<std::string> target_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return path;
  const std::string shown = escaped(path, 400);
  if (S_ISDIR(status.st_mode)) {
    return make_error(Errc::invalid_argument, shown + " is a directory, not an archive",
                      "an OCI image layout is written oci:DIR");
  }
  if (!S_ISREG(status.st_mode))
    return make_error(Errc::invalid_argument, shown + " is not a regular file", "write to - instead");
  char* const resolved = ::realpath(path.c_str(), nullptr);
  std::string out = resolved != nullptr ? resolved : path;
  std::free(resolved);
  return out;
}

}  // namespace

std::uint64_t PlannedTar::Stretch::end() const {
  return begin + size + tar::padding(size);
}

/// Writes one stretch.
class PlannedTar::Draft final : public BlobDraft {
 public:
  Draft(std::shared_ptr<PlannedTar> tar, const Digest& digest, const Stretch& stretch)
      : tar_(std::move(tar)), digest_(digest), stretch_(stretch) {}

  [[nodiscard]] std::uint64_t kept() const override { return stretch_.kept; }

  Result<> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    DAVIT_TRY_VOID(inside(offset, bytes.size()));
    return here(tar_->file_->write_at(stretch_.begin + offset, bytes));
  }
  Result<> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    DAVIT_TRY_VOID(inside(offset, into.size()));
    return here(tar_->file_->read_at(stretch_.begin + offset, into));
  }
  Result<> restart() override { return here(tar_->begin_again(digest_, stretch_)); }
  Result<> commit() override { return here(tar_->complete(digest_, stretch_)); }

 private:
  [[nodiscard]] Result<> inside(std::uint64_t offset, std::uint64_t length) const {
    if (offset <= stretch_.size && length <= stretch_.size - offset) return {};
    return make_error(Errc::internal, "bytes beyond the end of " + digest_.short_form());
  }

  std::shared_ptr<PlannedTar> tar_;  // co-owned with the writer
  Digest digest_;
  Stretch stretch_;
};

Result<std::shared_ptr<PlannedTar>> PlannedTar::open(const std::string& path, io::Durability durability,
                                                     bool resume) {
  DAVIT_TRY(const std::string target, target_of(path));
  const auto slash = target.rfind('/');
  std::string name = slash == std::string::npos ? target : target.substr(slash + 1);
  if (name.empty()) return make_error(Errc::invalid_argument, "\"" + escaped(path, 400) + "\" names no file");
  DAVIT_TRY(auto folder, io::Folder::open(slash == std::string::npos ? "." : target.substr(0, slash + 1)));
  const std::string partial = name + ".davit-partial";
  io::StagedFile::sweep(*folder, partial, resume ? kKept : std::chrono::hours(0));
  struct stat there {};
  if (::fstatat(folder->file().descriptor(), partial.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(there.st_mode))
    return make_error(Errc::local_io, folder->shown(partial) + " is not a file, and an archive begins there",
                      "move it away, or write the archive elsewhere");
  DAVIT_TRY(auto file, io::StagedFile::claim(folder, partial));
  if (!file) {
    DAVIT_TRY(file, io::StagedFile::temporary(folder, partial));
  }
  return std::shared_ptr<PlannedTar>(
      new PlannedTar(std::move(folder), std::move(name), durability, resume, std::move(file)));
}

PlannedTar::PlannedTar(std::shared_ptr<const io::Folder> folder, std::string name, io::Durability durability,
                       bool resume, std::unique_ptr<io::StagedFile> file)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      durability_(durability),
      resume_(resume),
      file_(std::move(file)),
      spool_(BlobSpool::in(folder_->path())) {}

PlannedTar::~PlannedTar() {
  const auto size = file_->file().size();
  MutexLock lock(mutex_);
  if (resume_ && !spool_->disk_was_full() && damaged_.empty() && size && *size > 0) file_->keep();
}

void PlannedTar::want(const Descriptor& blob) {
  MutexLock lock(mutex_);
  if (!laid_out_) wanted_.emplace(blob.digest, blob.size);
}

bool PlannedTar::has(const Descriptor& blob) {
  MutexLock lock(mutex_);
  const auto stretch = stretches_.find(blob.digest);
  return (stretch != stretches_.end() && stretch->second.complete) || spooled_.contains(blob.digest);
}

PlannedTar::Stretch PlannedTar::placed(const Digest& digest, std::uint64_t size) {
  Stretch out{.head = end_, .size = size};
  out.begin = end_ + entry_head(blob_entry(digest), size, EntryState::pending).size();
  end_ = out.end();
  return out;
}

/// Decides where everything that was asked for goes. Later questions come too late.
Result<> PlannedTar::lay_out() {
  if (finished_) return make_error(Errc::internal, folder_->shown(name_) + " is finished");
  if (laid_out_) return {};
  auto done = lay_out_all();
  laid_out_ = done.has_value();
  return done;
}

Result<> PlannedTar::lay_out_all() {
  end_ = 0;
  for (const auto& [digest, size] : wanted_) stretches_[digest] = placed(digest, size);
  bool same = false;
  if (resume_ && !wanted_.empty()) {
    DAVIT_TRY(same, go_on());
  }
  if (!same) {
    DAVIT_TRY_VOID(file_->truncate(0));
    for (auto& [digest, stretch] : stretches_) stretch.kept = 0;
  }
  DAVIT_TRY_VOID(file_->truncate(end_));  // cuts off what an earlier run has put behind its plan
  if (same) return {};
  for (const auto& [digest, stretch] : stretches_)
    DAVIT_TRY_VOID(write(stretch.head, entry_head(blob_entry(digest), stretch.size, EntryState::pending)));
  return {};
}

/// Whether the file was begun with the same plan; then also what is there of each blob.
Result<bool> PlannedTar::go_on() {
  for (auto& [digest, stretch] : stretches_) {
    std::string found(stretch.begin - stretch.head, '\0');
    DAVIT_TRY(const std::size_t count,
              file_->file().read_at(stretch.head, std::as_writable_bytes(std::span(found))));
    if (count != found.size()) return false;
    if (found == entry_head(blob_entry(digest), stretch.size, EntryState::complete)) {
      stretch.kept = stretch.size;
    } else if (found == entry_head(blob_entry(digest), stretch.size, EntryState::pending)) {
      DAVIT_TRY(stretch.kept, io::written_part(file_->file(), stretch.begin, stretch.begin + stretch.size));
      punch(stretch, stretch.kept);  // what came out of order would blur where the front ends
    } else {
      return false;
    }
  }
  return true;
}

Result<std::unique_ptr<BlobDraft>> PlannedTar::draft(const Descriptor& blob, const CallContext& context) {
  DAVIT_TRY_VOID(check(context));
  MutexLock lock(mutex_);
  DAVIT_TRY_VOID(here(lay_out()));
  auto found = stretches_.find(blob.digest);
  if (found == stretches_.end()) {
    const Stretch stretch = placed(blob.digest, blob.size);
    DAVIT_TRY_VOID(
        here(write(stretch.head, entry_head(blob_entry(blob.digest), blob.size, EntryState::pending))));
    DAVIT_TRY_VOID(here(file_->truncate(end_)));
    found = stretches_.emplace(blob.digest, stretch).first;
  }
  if (found->second.size != blob.size) return wrong_length(blob.digest, found->second.size);
  return std::unique_ptr<BlobDraft>(std::make_unique<Draft>(shared_from_this(), blob.digest, found->second));
}

std::optional<PlannedTar::Stretch> PlannedTar::stretch_for(const Descriptor& blob) {
  MutexLock lock(mutex_);
  const auto found = stretches_.find(blob.digest);
  return found == stretches_.end() ? std::nullopt : std::optional(found->second);
}

Result<Descriptor> PlannedTar::put(const Content& content, const CallContext& context) {
  {
    MutexLock lock(mutex_);
    DAVIT_TRY_VOID(here(lay_out()));
  }
  const auto known = content.descriptor();
  if (known && has(*known)) return *known;
  if (known) {
    if (const auto stretch = stretch_for(*known)) return put_planned(content, *known, *stretch, context);
  }
  return put_spooled(content, context);
}

Result<Descriptor> PlannedTar::put_planned(const Content& content, const Descriptor& blob,
                                           const Stretch& stretch, const CallContext& context) {
  if (blob.size != stretch.size) return wrong_length(blob.digest, stretch.size);
  DAVIT_TRY(const auto source, content.open(0, context));
  std::vector<std::byte> buffer(kBuffer);
  std::uint64_t done = 0;
  for (;;) {
    DAVIT_TRY_VOID(check(context));
    DAVIT_TRY(const std::size_t count, source->read(buffer));
    if (count == 0) break;
    if (count > stretch.size - done) return wrong_length(blob.digest, stretch.size);
    DAVIT_TRY_VOID(here(file_->write_at(stretch.begin + done, std::span(buffer).first(count))));
    done += count;
  }
  if (done != stretch.size) return wrong_length(blob.digest, stretch.size);
  DAVIT_TRY_VOID(here(complete(blob.digest, stretch)));
  return blob;
}

Result<Descriptor> PlannedTar::put_spooled(const Content& content, const CallContext& context) {
  DAVIT_TRY(const auto source, content.open(0, context));
  DAVIT_TRY(BlobSpool::Blob spooled, spool_->take(*source, context));
  const auto stored = content.descriptor();
  if (stored && stored->size == spooled.size && !has(*stored)) {
    MutexLock lock(mutex_);
    if (spooled_.emplace(stored->digest, spooled).second) return *stored;
  }
  spool_->drop(spooled);
  if (!stored) return make_error(Errc::internal, "content without a digest at its end");
  if (stored->size != spooled.size) return wrong_length(stored->digest, stored->size);
  return *stored;
}

Result<> PlannedTar::write(std::uint64_t at, std::string_view bytes) {
  return file_->write_at(at, std::as_bytes(std::span(bytes)));
}

Result<> PlannedTar::complete(const Digest& digest, const Stretch& stretch) {
  DAVIT_TRY_VOID(write(stretch.begin + stretch.size, std::string(tar::padding(stretch.size), '\0')));
  DAVIT_TRY_VOID(write(stretch.head, entry_head(blob_entry(digest), stretch.size, EntryState::complete)));
  MutexLock lock(mutex_);
  stretches_[digest].complete = true;
  damaged_.erase(digest);
  return {};
}

/// Makes the stretch a hole from `kept` on, so that a later run does not take the bytes for good. Where the
/// file system cannot, it finds out by their digest.
void PlannedTar::punch(const Stretch& stretch, std::uint64_t kept) {
  if (kept >= stretch.size) return;
  static_cast<void>(::fallocate(file_->file().descriptor(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(stretch.begin + kept),
                                static_cast<off_t>(stretch.size - kept)));
}

Result<> PlannedTar::begin_again(const Digest& digest, const Stretch& stretch) {
  DAVIT_TRY_VOID(write(stretch.head, entry_head(blob_entry(digest), stretch.size, EntryState::pending)));
  punch(stretch, 0);
  MutexLock lock(mutex_);
  damaged_.insert(digest);
  return {};
}

/// Takes out the stretches that nobody has filled, and says where the rest ends.
Result<std::uint64_t> PlannedTar::close_gaps(const CallContext& context) {
  std::vector<Stretch> order;
  for (const auto& [digest, stretch] : stretches_) {
    if (stretch.complete) order.push_back(stretch);
  }
  std::ranges::sort(order, {}, &Stretch::head);
  std::uint64_t at = 0;
  for (const Stretch& stretch : order) {
    const std::uint64_t length = stretch.end() - stretch.head;
    if (at != stretch.head) DAVIT_TRY_VOID(move_down(stretch.head, at, length, context));
    at += length;
  }
  return at;
}

Result<> PlannedTar::move_down(std::uint64_t from, std::uint64_t to, std::uint64_t length,
                               const CallContext& context) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(length, kMoveBuffer)));
  for (std::uint64_t done = 0; done < length;) {
    DAVIT_TRY_VOID(check(context));
    const auto piece = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length - done)));
    DAVIT_TRY_VOID(file_->read_at(from + done, piece));
    DAVIT_TRY_VOID(file_->write_at(to + done, piece));
    done += piece.size();
  }
  return {};
}

Result<> PlannedTar::append(std::uint64_t& at, const std::string& name, ByteSource& source,
                            std::uint64_t size, const CallContext& context) {
  const std::string head = entry_head(name, size, EntryState::complete);
  DAVIT_TRY_VOID(write(at, head));
  at += head.size();
  std::vector<std::byte> buffer(kBuffer);
  for (;;) {
    DAVIT_TRY_VOID(check(context));
    DAVIT_TRY(const std::size_t count, source.read(buffer));
    if (count == 0) break;
    DAVIT_TRY_VOID(file_->write_at(at, std::span(buffer).first(count)));
    at += count;
  }
  DAVIT_TRY_VOID(write(at, std::string(tar::padding(size), '\0')));
  at += tar::padding(size);
  return {};
}

/// Behind the stretches: what was spooled, the documents, the end.
Result<> PlannedTar::write_rest(std::uint64_t at, std::span<const TarDocument> documents,
                                const CallContext& context) {
  for (const auto& [digest, blob] : spooled_)
    DAVIT_TRY_VOID(append(at, blob_entry(digest), *spool_->open(blob), blob.size, context));
  for (const TarDocument& document : documents) {
    io::MemorySource source(std::make_shared<const std::string>(document.bytes));
    DAVIT_TRY_VOID(append(at, document.name, source, document.bytes.size(), context));
  }
  DAVIT_TRY_VOID(write(at, std::string(tar::kEnd, '\0')));
  return file_->truncate(at + tar::kEnd);
}

Result<> PlannedTar::publish() {
  // Who has replaced a file finds the new one as private, or as public, as the old one was.
  struct stat status {};
  if (::fstatat(folder_->file().descriptor(), name_.c_str(), &status, 0) == 0)
    static_cast<void>(::fchmod(file_->file().descriptor(), status.st_mode & 0777));
  return file_->publish(*folder_, name_, durability_);
}

Result<> PlannedTar::finish(std::span<const TarDocument> documents, const CallContext& context) {
  MutexLock lock(mutex_);
  DAVIT_TRY_VOID(here(lay_out()));
  finished_ = true;
  DAVIT_TRY(const std::uint64_t end, here(close_gaps(context)));
  DAVIT_TRY_VOID(here(write_rest(end, documents, context)));
  return here(publish());
}

}  // namespace davit::archive
