#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <davit/call_context.h>
#include <davit/result.h>

#include "io/file.h"

namespace davit::tar {

/// Where a file inside a tar lies.
struct FileSpan {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The entries of a tar by name. Only headers are read, so a large archive opens at once. Names are compared,
/// never used as file names; they follow GNU tar's rules (PAX over GNU long names over ustar), and whatever
/// tar programs would read differently is refused. Immutable, safe to share between threads.
class Index {
 public:
  /// Errors: corrupt for malformed or truncated archives and exceeded limits, local_io.
  static Result<Index> read(std::shared_ptr<const io::File> file, const CallContext& context);

  /// The file of that name, through links inside the archive; empty when there is none. Errors: corrupt for
  /// names and links that leave the archive, cycles, special files, sparse files, and files that are there
  /// twice and differ.
  [[nodiscard]] Result<std::optional<FileSpan>> find(std::string_view name) const;

  [[nodiscard]] std::size_t entries() const { return entries_.size(); }

 private:
  enum class Kind { file, symlink, hardlink, directory, sparse, special };
  struct Entry {
    Kind kind;
    FileSpan file;
    std::string link;
  };
  class Reader;
  using Entries = std::multimap<std::string, Entry, std::less<>>;

  explicit Index(std::shared_ptr<const io::File> file) : file_(std::move(file)) {}
  [[nodiscard]] Result<bool> same_bytes(const FileSpan& a, const FileSpan& b) const;
  [[nodiscard]] Result<const Entry*> entry(const std::string& name) const;

  std::shared_ptr<const io::File> file_;  // co-owned by the contents cut from it
  Entries entries_;
};

}  // namespace davit::tar
