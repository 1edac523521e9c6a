#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "archive/blob_spool.h"
#include "archive/tar_output.h"
#include "base/mutex.h"
#include "io/atomic_file.h"
#include "io/folder.h"
#include "io/staged_file.h"

namespace davit::archive {

/// A tar that comes into being in `PATH.davit-partial` and gets its name when it is complete. Whatever is
/// known to come has its stretch of the file from the start, in the order of the digests, so all blobs can be
/// written at the same time, and a later run finds what an earlier one has left. Everything else waits in a
/// spool and follows in the order of the digests: the same blobs give the same bytes, in whatever order they
/// come.
class PlannedTar final : public TarOutput, public std::enable_shared_from_this<PlannedTar> {
 public:
  /// Errors: invalid_argument when `path` is something else than a file; local_io.
  static Result<std::shared_ptr<PlannedTar>> open(const std::string& path, io::Durability durability,
                                                  bool resume);
  ~PlannedTar() override;

  [[nodiscard]] std::size_t blobs_at_once() const override { return SIZE_MAX; }
  void want(const Descriptor& blob) override;
  bool has(const Descriptor& blob) override;
  Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) override;
  Result<Descriptor> put(const Content& content, const CallContext& context) override;
  Result<> finish(std::span<const TarDocument> documents, const CallContext& context) override;

 private:
  /// Where a blob's header and content lie.
  struct Stretch {
    std::uint64_t head = 0;
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    std::uint64_t kept = 0;  // left by an earlier run
    bool complete = false;   // by this one
    [[nodiscard]] std::uint64_t end() const;
  };
  class Draft;

  PlannedTar(std::shared_ptr<const io::Folder> folder, std::string name, io::Durability durability,
             bool resume, std::unique_ptr<io::StagedFile> file);
  Stretch placed(const Digest& digest, std::uint64_t size) DAVIT_REQUIRES(mutex_);
  Result<> lay_out() DAVIT_REQUIRES(mutex_);
  Result<> lay_out_all() DAVIT_REQUIRES(mutex_);
  Result<bool> go_on() DAVIT_REQUIRES(mutex_);
  std::optional<Stretch> stretch_for(const Descriptor& blob) DAVIT_EXCLUDES(mutex_);
  Result<Descriptor> put_planned(const Content& content, const Descriptor& blob, const Stretch& stretch,
                                 const CallContext& context);
  Result<Descriptor> put_spooled(const Content& content, const CallContext& context);
  Result<> complete(const Digest& digest, const Stretch& stretch) DAVIT_EXCLUDES(mutex_);
  void punch(const Stretch& stretch, std::uint64_t kept);
  Result<> begin_again(const Digest& digest, const Stretch& stretch);
  Result<> write(std::uint64_t at, std::string_view bytes);
  Result<std::uint64_t> close_gaps(const CallContext& context) DAVIT_REQUIRES(mutex_);
  Result<> move_down(std::uint64_t from, std::uint64_t to, std::uint64_t length, const CallContext& context);
  Result<> write_rest(std::uint64_t at, std::span<const TarDocument> documents, const CallContext& context)
      DAVIT_REQUIRES(mutex_);
  Result<> publish();
  Result<> append(std::uint64_t& at, const std::string& name, ByteSource& source, std::uint64_t size,
                  const CallContext& context);

  std::shared_ptr<const io::Folder> folder_;  // co-owned with the staged file
  std::string name_;
  io::Durability durability_;
  bool resume_;
  std::unique_ptr<io::StagedFile> file_;
  std::shared_ptr<BlobSpool> spool_;  // co-owned by what is read from it

  Mutex mutex_;
  std::map<Digest, std::uint64_t> wanted_ DAVIT_GUARDED_BY(mutex_);
  bool laid_out_ DAVIT_GUARDED_BY(mutex_) = false;
  std::map<Digest, Stretch> stretches_ DAVIT_GUARDED_BY(mutex_);
  std::set<Digest> damaged_ DAVIT_GUARDED_BY(mutex_);  ///< came with other bytes, and not again
  std::map<Digest, BlobSpool::Blob> spooled_ DAVIT_GUARDED_BY(mutex_);
  std::uint64_t end_ DAVIT_GUARDED_BY(mutex_) = 0;  // of the stretches
  bool finished_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::archive
