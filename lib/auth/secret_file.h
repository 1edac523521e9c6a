#pragma once

#include <string>
#include <string_view>

#include <davit/call_context.h>
#include <davit/result.h>

namespace davit::auth {

/// A file with secrets, held for a read-modify-write. The lock is an advisory one on the file's directory: it
/// goes with the process, leaves nothing behind, and every davit takes it.
class SecretFile {
 public:
  /// Follows symbolic links and makes missing directories (mode 0700). Waits for other holders.
  /// Errors: local_io, cancelled, timeout.
  static Result<SecretFile> lock(const std::string& path, const CallContext& context);
  SecretFile(SecretFile&& other) noexcept;
  SecretFile& operator=(SecretFile&&) = delete;
  ~SecretFile();

  /// The file itself, at the end of all links.
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Puts a new file with mode 0600 in its place; after a crash it is either the old one or the new one.
  [[nodiscard]] Result<> replace(std::string_view text) const;

 private:
  SecretFile(std::string path, int directory) : path_(std::move(path)), directory_(directory) {}

  std::string path_;
  int directory_;
};

}  // namespace davit::auth
