#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <davit/content.h>

namespace davit::io {

/// Whether an errno of a write says that there is no room: a full disk, a quota, a limit on file sizes.
bool is_disk_full(int error);

/// An open descriptor, closed when it goes. Always close-on-exec.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  /// openat(2) with O_CLOEXEC added and EINTR handled. Errors: local_io, naming `path`.
  static Result<File> open(const std::string& path, int flags, int mode = 0666);
  static Result<File> open_at(const File& directory, const std::string& path, int flags, int mode = 0666);
  /// An unlinked file in `directory`: it is gone when the last descriptor is.
  static Result<File> temporary(const std::string& directory);

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// Up to into.size() bytes from `offset`; fewer only at the end of the file.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const;
  Result<> write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  /// The same for those who look at the cause: 0, or errno.
  [[nodiscard]] int try_write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  [[nodiscard]] Result<std::uint64_t> size() const;

 private:
  int descriptor_ = -1;
};

/// A stretch of a file as content. The file must not change meanwhile: one that turns out shorter is an
/// error.
class FileContent final : public Content {
 public:
  /// `name` is for error messages: "app.tar, layer 3". The descriptor may be unknown.
  FileContent(std::shared_ptr<const File> file, std::uint64_t begin, std::uint64_t size, std::string name,
              std::optional<Descriptor> descriptor = std::nullopt);

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override;
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return descriptor_; }

 private:
  std::shared_ptr<const File> file_;  // co-owned by every content and source cut from the same archive
  std::uint64_t begin_;
  std::uint64_t size_;
  std::string name_;
  std::optional<Descriptor> descriptor_;
};

}  // namespace davit::io
