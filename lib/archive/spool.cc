#include "archive/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "base/error.h"
#include "base/try.h"
#include "codec/sniff.h"
#include "io/read_all.h"
#include "io/stream_source.h"

namespace davit::archive {
namespace {

constexpr char kAccepted[] =
    "accepted are image archives (docker save, OCI layout) as tar, plain or compressed with gzip or zstd";

Error not_a_tar(const std::string& looks) {
  return make_error(Errc::corrupt, "looks like " + looks, kAccepted);
}

/// Bytes that were read to look at them, and the source they came from.
class RejoinedSource final : public ByteSource {
 public:
  RejoinedSource(std::vector<std::byte> head, std::unique_ptr<ByteSource> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (position_ == head_.size()) return rest_->read(into);
    const std::size_t count = std::min(into.size(), head_.size() - position_);
    std::memcpy(into.data(), head_.data() + position_, count);
    position_ += count;
    return count;
  }

 private:
  std::vector<std::byte> head_;
  std::unique_ptr<ByteSource> rest_;
  std::size_t position_ = 0;
};

Result<std::vector<std::byte>> take_head(ByteSource& source) {
  std::vector<std::byte> head(codec::kSniffSize);
  DAVIT_TRY(const std::size_t count, io::read_full(source, head));
  head.resize(count);
  return head;
}

Result<> refuse_unless_readable(codec::FileKind kind) {
  using codec::FileKind;
  if (kind == FileKind::tar || kind == FileKind::gzip || kind == FileKind::zstd) return {};
  if (kind == FileKind::xz)
    return make_error(Errc::unsupported, "looks like an xz file", "decompress it first: xz -d");
  if (kind == FileKind::bzip2)
    return make_error(Errc::unsupported, "looks like a bzip2 file", "decompress it first: bzip2 -d");
  return not_a_tar(codec::describe(kind));
}

Result<std::shared_ptr<const io::File>> spool(std::unique_ptr<ByteSource> source, codec::FileKind kind,
                                              const SpoolOptions& options) {
  if (kind != codec::FileKind::tar)
    source = codec::decompressing(codec::compression_of(kind), std::move(source), options.expansion);
  DAVIT_TRY(auto head, take_head(*source));
  if (const auto inner = codec::sniff(head); inner != codec::FileKind::tar) {
    return not_a_tar(codec::describe(kind) + " around " + codec::describe(inner));
  }
  RejoinedSource whole(std::move(head), std::move(source));
  return io::spooled(whole, options.directory);
}

Result<std::shared_ptr<const io::File>> from_regular(io::File opened, const std::string& name,
                                                     const SpoolOptions& options,
                                                     const CallContext& context) {
  auto file = std::make_shared<const io::File>(std::move(opened));  // co-owned by what is cut from it
  std::vector<std::byte> head(codec::kSniffSize);
  DAVIT_TRY(const std::size_t count, file->read_at(0, head));
  const codec::FileKind kind = codec::sniff(std::span(head).first(count));
  DAVIT_TRY_VOID(refuse_unless_readable(kind));
  if (kind == codec::FileKind::tar) return file;
  DAVIT_TRY(const std::uint64_t size, file->size());
  DAVIT_TRY(auto source, io::FileContent(file, 0, size, name).open(0, context));
  return spool(std::move(source), kind, options);
}

Result<std::shared_ptr<const io::File>> from_stream(io::File opened, const SpoolOptions& options,
                                                    const CallContext& context) {
  auto stream = io::stream_source(std::move(opened), context);
  DAVIT_TRY(auto head, take_head(*stream));
  const codec::FileKind kind = codec::sniff(head);
  DAVIT_TRY_VOID(refuse_unless_readable(kind));
  return spool(std::make_unique<RejoinedSource>(std::move(head), std::move(stream)), kind, options);
}

}  // namespace

Result<std::shared_ptr<const io::File>> seekable_tar(io::File file, const std::string& name,
                                                     const SpoolOptions& options,
                                                     const CallContext& context) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) return errno_error("stat", errno);
  if (S_ISDIR(status.st_mode)) {
    return make_error(Errc::corrupt, "is a directory, not an archive",
                      "an OCI image layout is written oci:DIR");
  }
  if (S_ISREG(status.st_mode)) return from_regular(std::move(file), name, options, context);
  return from_stream(std::move(file), options, context);
}

}  // namespace davit::archive
