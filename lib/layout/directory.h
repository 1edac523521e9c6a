#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <davit/call_context.h>
#include <davit/descriptor.h>

#include "io/atomic_file.h"
#include "io/folder.h"
#include "io/staged_file.h"

namespace davit::layout {

/// The directory of a layout that is being written, and the only place that knows the names of its files.
/// Files come into being in `.davit-partial`, which goes when it is empty, and are renamed to where they
/// belong. Several of these, in whatever processes, may work on one layout. Thread-safe. Errors: local_io,
/// and denied for links where files are expected.
class Directory {
 public:
  /// Makes the layout or adds to the one that is there. What earlier runs left unfinished is removed when it
  /// is older than seven days, or at once where it is not to be resumed. Errors: invalid_argument for a
  /// directory that holds other things; unsupported for a layout of another version; corrupt; cancelled.
  static Result<std::shared_ptr<Directory>> open(const std::string& path, io::Durability durability,
                                                 bool resume, const CallContext& context);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  /// A file for a blob: what an earlier run left of it, unless somebody else is writing that or nothing is to
  /// be resumed.
  Result<std::unique_ptr<io::StagedFile>> stage(const Digest& digest);
  Result<std::unique_ptr<io::StagedFile>> stage_unknown();
  /// Puts a finished file under its final name.
  Result<> publish(io::StagedFile& file, const Digest& digest);
  /// To be called before a file is given up: whether it may stay for another run.
  [[nodiscard]] bool worth_keeping(const io::StagedFile& file);

  /// Whether the blob is there, with the right size and the right bytes: all of them are read.
  [[nodiscard]] Result<bool> holds(const Descriptor& blob, const CallContext& context) const;

  /// Replaces index.json by what `edit` makes of it, while nobody else does. Nothing is written when that is
  /// the same.
  Result<> edit_index(const std::function<Result<std::string>(std::string_view)>& edit,
                      const CallContext& context);

  /// Takes `.davit-partial` away when nothing is in it but what was begun of blobs that are there.
  void tidy();

 private:
  Directory(std::shared_ptr<const io::Folder> root, std::string path, io::Durability durability, bool resume)
      : root_(std::move(root)), path_(std::move(path)), durability_(durability), resume_(resume) {}
  Result<> prepare(const CallContext& context);
  Result<> mark();
  void drop_needless();
  Result<std::unique_ptr<io::StagedFile>> in_partials(
      const std::function<Result<std::unique_ptr<io::StagedFile>>(std::shared_ptr<const io::Folder>)>& make);
  Result<> replace(const std::string& name, std::string_view bytes);
  Result<io::File> lock_index(const CallContext& context);

  std::shared_ptr<const io::Folder> root_;  // co-owned with the files staged there
  std::string path_;
  io::Durability durability_;
  bool resume_;
  std::atomic<bool> full_ = false;
};

}  // namespace davit::layout
