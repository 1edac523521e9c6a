#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include <davit/mirror.h>

namespace davit::tool {

/// Keeps what is about to be deleted: JSON lines, each on the disk before its tag goes. The file appears with
/// the first one; one that is there is added to. Thread-safe.
class UndoFile {
 public:
  /// An empty path: "davit-undo-TIME.jsonl" in the current folder.
  explicit UndoFile(std::string path);
  ~UndoFile();
  UndoFile(const UndoFile&) = delete;
  UndoFile& operator=(const UndoFile&) = delete;

  /// Errors: local_io.
  Result<> add(const PruneRecord& record);
  /// Empty as long as nothing was kept.
  [[nodiscard]] std::string written_to() const;

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::FILE* file_ = nullptr;
};

/// The records of such a file, in order. Errors: local_io; corrupt with the line.
Result<std::vector<PruneRecord>> read_undo_file(const std::string& path);

}  // namespace davit::tool
