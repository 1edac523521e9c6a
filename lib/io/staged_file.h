#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <davit/call_context.h>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/folder.h"

namespace davit::io {

/// A file that nobody reads before it is complete: written under another name, then renamed into its place.
/// Locked as long as this object lives, so that no other one takes it for a leftover. The destructor removes
/// the file unless it was published or is to be kept. write_at() is thread-safe, the rest is not.
class StagedFile {
 public:
  /// Goes on with the file `name` that an earlier run has kept, or begins it. Empty while another object has
  /// it, in whatever process. Errors: local_io; denied when it is not a plain file.
  static Result<std::unique_ptr<StagedFile>> claim(std::shared_ptr<const Folder> folder,
                                                   const std::string& name);
  /// A new file whose name of its own begins with `name`.
  static Result<std::unique_ptr<StagedFile>> temporary(std::shared_ptr<const Folder> folder,
                                                       const std::string& name);
  /// Removes what others have left under `name` and its temporaries, or, without a name, everything in the
  /// folder, except what somebody holds: temporaries at once, kept files when nothing was written to them for
  /// `age`.
  static void sweep(const Folder& folder, std::string_view name, std::chrono::seconds age);

  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  [[nodiscard]] const File& file() const { return file_; }
  /// Its path, for messages.
  [[nodiscard]] std::string shown() const { return folder_->shown(name_); }
  [[nodiscard]] bool is_temporary() const { return temporary_; }

  /// Leaves the file for a later claim(), unless the disk was full.
  void keep() { keep_ = true; }
  void forget() { keep_ = false; }

  /// On a full disk the file is removed at once: half a file is no use to anybody who needs the space.
  /// Errors: local_io, with the path.
  Result<> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Exactly these bytes. Errors: local_io; corrupt when there are fewer.
  Result<> read_at(std::uint64_t offset, std::span<std::byte> into) const;
  /// Errors: local_io.
  Result<> truncate(std::uint64_t size);
  [[nodiscard]] bool disk_was_full() const { return full_; }

  /// Syncs the file, renames it and syncs the directory: readers see what was there before or all of this,
  /// whatever happens in between. Errors: local_io.
  Result<> publish(const Folder& into, const std::string& name, Durability durability);

 private:
  StagedFile(std::shared_ptr<const Folder> folder, std::string name, File file, bool temporary)
      : folder_(std::move(folder)), name_(std::move(name)), file_(std::move(file)), temporary_(temporary) {}
  Error failed(const char* step, int saved_errno);
  void remove();

  std::shared_ptr<const Folder> folder_;  // co-owned with the other files that are staged there
  std::string name_;
  File file_;
  bool temporary_;
  bool keep_ = false;
  bool published_ = false;
  std::atomic<bool> full_ = false;
  std::atomic<bool> removed_ = false;
};

}  // namespace davit::io
