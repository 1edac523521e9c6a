#include "io/file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::io {
namespace {

Result<File> open_from(int directory, const std::string& path, int flags, int mode) {
  for (;;) {
    const int descriptor = ::openat(directory, path.c_str(), flags | O_CLOEXEC, mode);
    if (descriptor >= 0) return File(descriptor);
    if (errno != EINTR) return errno_error("open " + escaped(path, 400), errno);
  }
}

class FileSource final : public ByteSource {
 public:
  FileSource(std::shared_ptr<const File> file, std::uint64_t begin, std::uint64_t end, std::string name,
             CallContext context)
      : file_(std::move(file)),
        position_(begin),
        end_(end),
        name_(std::move(name)),
        context_(std::move(context)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    DAVIT_TRY_VOID(check(context_));
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - position_));
    if (wanted == 0) return std::size_t{0};
    auto count = file_->read_at(position_, into.first(wanted));
    if (!count) return count.error().with_context(name_);
    if (*count != wanted)
      return make_error(Errc::corrupt, name_ + ": the file became shorter while it was read");
    position_ += *count;
    return *count;
  }

 private:
  std::shared_ptr<const File> file_;  // co-owned with the content
  std::uint64_t position_;
  std::uint64_t end_;
  std::string name_;
  CallContext context_;
};

}  // namespace

bool is_disk_full(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::open(const std::string& path, int flags, int mode) {
  return open_from(AT_FDCWD, path, flags, mode);
}

Result<File> File::open_at(const File& directory, const std::string& path, int flags, int mode) {
  return open_from(directory.descriptor_, path, flags, mode);
}

Result<File> File::temporary(const std::string& directory) {
  auto file = open(directory, O_TMPFILE | O_RDWR, 0600);
  if (file) return file;
  std::string name = directory + "/davit-XXXXXX";  // file systems without O_TMPFILE
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return errno_error("create a temporary file in " + escaped(directory, 400), errno);
  ::unlink(name.c_str());
  return File(descriptor);
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t count =
        ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (count == 0) break;
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      return errno_error("read", errno);
    }
  }
  return done;
}

Result<> File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  const int failed = try_write_at(offset, bytes);
  if (failed != 0) return errno_error("write", failed);
  return {};
}

int File::try_write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Result<std::uint64_t> File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return errno_error("stat", errno);
  return static_cast<std::uint64_t>(status.st_size);
}

FileContent::FileContent(std::shared_ptr<const File> file, std::uint64_t begin, std::uint64_t size,
                         std::string name, std::optional<Descriptor> descriptor)
    : file_(std::move(file)),
      begin_(begin),
      size_(size),
      name_(std::move(name)),
      descriptor_(std::move(descriptor)) {}

Result<std::unique_ptr<ByteSource>> FileContent::open(std::uint64_t offset,
                                                      const CallContext& context) const {
  if (offset > size_) return make_error(Errc::internal, name_ + ": a read beyond its end");
  return std::unique_ptr<ByteSource>(
      std::make_unique<FileSource>(file_, begin_ + offset, begin_ + size_, name_, context));
}

}  // namespace davit::io
