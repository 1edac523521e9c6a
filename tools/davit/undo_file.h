#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <davit/mirror.h>

namespace davit::tool {

/// Keeps what is about to be deleted: JSON lines, each on the disk before its tag goes. The file appears with
/// the first one; one that is there is added to, without the last line if that was cut. A line that cannot be
/// written whole is taken back. Thread-safe.
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
  Result<> open();
  /// What was begun and not finished goes; what is whole gets its end.
  Result<> mend();
  [[nodiscard]] Error failed() const;

  const std::string path_;
  mutable std::mutex mutex_;
  int file_ = -1;
};

struct UndoRecords {
  std::vector<PruneRecord> records;  ///< in order
  std::string note = {};             ///< what was passed over; empty: nothing
};

/// The records of such a file. A last line that was cut is passed over: its tag was never deleted. Errors:
/// local_io; corrupt with the line.
Result<UndoRecords> read_undo_file(const std::string& path);

}  // namespace davit::tool
