#include "archive/tar_stream.h"

#include <utility>
#include <vector>

#include "archive/blob_entry.h"
#include "base/error.h"
#include "base/try.h"
#include "io/memory.h"
#include "tar/write.h"

namespace davit::archive {
namespace {

constexpr std::size_t kAtATime = 256 << 10;

Error wrong_length(const std::string& name, std::uint64_t size) {
  return make_error(Errc::corrupt, name + " has not the " + std::to_string(size) + " bytes it should have")
      .on(Side::source);
}

}  // namespace

TarStream::TarStream(io::File out, std::string name, std::string temporary_directory)
    : spool_(BlobSpool::in(std::move(temporary_directory))), out_(std::move(out), std::move(name)) {}

Result<> TarStream::usable() const {
  if (!broken_) return {};
  return broken_->with_context(out_.name() + " holds half an archive");
}

bool TarStream::has(const Descriptor& blob) {
  MutexLock lock(mutex_);
  return written_.contains(blob.digest);
}

Result<std::unique_ptr<BlobDraft>> TarStream::draft(const Descriptor&, const CallContext&) {
  return std::unique_ptr<BlobDraft>();
}

Result<Descriptor> TarStream::put(const Content& content, const CallContext& context) {
  MutexLock lock(mutex_);
  DAVIT_TRY_VOID(usable());
  const auto known = content.descriptor();
  if (!known) return put_unknown(content, context);
  return put_known(content, *known, context);
}

Result<Descriptor> TarStream::put_known(const Content& content, const Descriptor& blob,
                                        const CallContext& context) {
  if (written_.contains(blob.digest)) return blob;
  DAVIT_TRY(const auto source, content.open(0, context));
  DAVIT_TRY_VOID(entry(blob_entry(blob.digest), *source, blob.size, context));
  written_.insert(blob.digest);
  return blob;
}

Result<Descriptor> TarStream::put_unknown(const Content& content, const CallContext& context) {
  DAVIT_TRY(const auto source, content.open(0, context));
  DAVIT_TRY(const BlobSpool::Blob spooled, spool_->take(*source, context));
  const auto stored = content.descriptor();
  if (!stored) return make_error(Errc::internal, "content without a digest at its end");
  if (stored->size != spooled.size) return wrong_length(stored->digest.to_string(), stored->size);
  if (!written_.contains(stored->digest)) {
    DAVIT_TRY_VOID(entry(blob_entry(stored->digest), *spool_->open(spooled), spooled.size, context));
    written_.insert(stored->digest);
  }
  spool_->drop(spooled);
  return *stored;
}

/// Nothing is written before the source has shown that it gives anything.
Result<> TarStream::entry(const std::string& name, ByteSource& source, std::uint64_t size,
                          const CallContext& context) {
  std::vector<std::byte> buffer(kAtATime);
  DAVIT_TRY(const std::size_t first, source.read(buffer));
  auto done = write(entry_head(name, size, EntryState::complete), context);
  if (done) done = copy(source, buffer, first, size, context);
  if (done) done = write(std::string(tar::padding(size), '\0'), context);
  if (!done) {
    done = done.error().with_context(name);
    broken_ = done.error();
  }
  return done;
}

Result<> TarStream::copy(ByteSource& source, std::span<std::byte> buffer, std::size_t ready,
                         std::uint64_t size, const CallContext& context) {
  std::uint64_t done = 0;
  for (std::size_t count = ready; count != 0;) {
    if (count > size - done) return wrong_length("the content", size);
    auto written = out_.write(buffer.first(count), context);
    if (!written) return written.error().on(Side::destination);
    done += count;
    DAVIT_TRY(count, source.read(buffer));
  }
  return done == size ? Result<>() : wrong_length("the content", size);
}

Result<> TarStream::write(std::string_view bytes, const CallContext& context) {
  auto written = out_.write(std::as_bytes(std::span(bytes)), context);
  if (!written) return written.error().on(Side::destination);
  return {};
}

Result<> TarStream::finish(std::span<const TarDocument> documents, const CallContext& context) {
  MutexLock lock(mutex_);
  DAVIT_TRY_VOID(usable());
  for (const TarDocument& document : documents) {
    io::MemorySource source(std::make_shared<const std::string>(document.bytes));
    DAVIT_TRY_VOID(entry(document.name, source, document.bytes.size(), context));
  }
  auto ended = write(std::string(tar::kEnd, '\0'), context);
  broken_ = ended ? make_error(Errc::internal, "it is finished") : ended.error();
  return ended;
}

}  // namespace davit::archive
