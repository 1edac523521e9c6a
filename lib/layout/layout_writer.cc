#include "layout/layout_writer.h"

#include <utility>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "io/written_part.h"

namespace davit::layout {
namespace {

template <class T>
Result<T> here(Result<T> result) {
  if (!result) return result.error().on(Side::destination);
  return result;
}

/// Gives a file up: kept for a later run, or removed.
void leave(Directory& directory, io::StagedFile& file) {
  if (directory.worth_keeping(file)) {
    file.keep();
  } else {
    file.forget();
  }
}

class Draft final : public BlobDraft {
 public:
  Draft(std::shared_ptr<Directory> directory, std::unique_ptr<io::StagedFile> file, const Descriptor& blob,
        std::uint64_t kept)
      : directory_(std::move(directory)),
        file_(std::move(file)),
        digest_(blob.digest),
        size_(blob.size),
        kept_(kept) {}
  ~Draft() override { leave(*directory_, *file_); }

  [[nodiscard]] std::uint64_t kept() const override { return kept_; }

  Result<> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return here(file_->write_at(offset, bytes));
  }
  Result<> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    return here(file_->read_at(offset, into));
  }
  Result<> restart() override { return here(file_->truncate(0)); }

  Result<> commit() override {
    DAVIT_TRY(const std::uint64_t size, here(file_->file().size()));
    if (size != size_) {
      return make_error(Errc::internal, file_->shown() + " has " + std::to_string(size) + " of " +
                                            std::to_string(size_) + " bytes");
    }
    return here(directory_->publish(*file_, digest_));
  }

 private:
  std::shared_ptr<Directory> directory_;  // co-owned with the writer
  std::unique_ptr<io::StagedFile> file_;
  Digest digest_;
  std::uint64_t size_;
  std::uint64_t kept_;
};

/// Copies all of `content`; says how much it was.
Result<std::uint64_t> fill(io::StagedFile& file, const Content& content, const CallContext& context) {
  DAVIT_TRY(const auto source, content.open(0, context));
  std::vector<std::byte> buffer(256 << 10);
  for (std::uint64_t done = 0;;) {
    DAVIT_TRY_VOID(check(context));
    DAVIT_TRY(const std::size_t count, source->read(buffer));
    if (count == 0) return done;
    DAVIT_TRY_VOID(here(file.write_at(done, std::span(buffer).first(count))));
    done += count;
  }
}

}  // namespace

Result<std::shared_ptr<LayoutWriter>> LayoutWriter::open(const std::string& directory,
                                                         const LayoutWriterOptions& options,
                                                         const CallContext& context) {
  DAVIT_TRY(auto opened, here(Directory::open(directory, options.durability, options.resume, context)));
  return std::shared_ptr<LayoutWriter>(new LayoutWriter(std::move(opened)));
}

Result<std::vector<Presence>> LayoutWriter::probe(std::span<const Descriptor> wanted,
                                                  const CallContext& context) {
  std::vector<Presence> out;
  for (const Descriptor& blob : wanted) {
    DAVIT_TRY(const bool there, here(directory_->holds(blob, context)));
    out.push_back(there ? Presence::present : Presence::absent);
  }
  return out;
}

Result<std::unique_ptr<BlobDraft>> LayoutWriter::draft(const Descriptor& blob, const CallContext& context) {
  DAVIT_TRY_VOID(check(context));
  DAVIT_TRY(auto file, here(directory_->stage(blob.digest)));
  DAVIT_TRY(const std::uint64_t size, here(file->file().size()));
  if (size > blob.size) DAVIT_TRY_VOID(here(file->truncate(0)));
  DAVIT_TRY(const std::uint64_t kept, here(io::written_part(file->file(), 0, blob.size)));
  // What came out of order is fetched again. Left there it would begin in the middle of a block, and once the
  // front comes close the next run could take that block for written.
  if (kept < size) DAVIT_TRY_VOID(here(file->truncate(kept)));
  return std::unique_ptr<BlobDraft>(std::make_unique<Draft>(directory_, std::move(file), blob, kept));
}

Result<Descriptor> LayoutWriter::put_blob(const Content& content, const CallContext& context) {
  DAVIT_TRY(const auto file, here(directory_->stage_unknown()));
  const auto size = fill(*file, content, context);
  leave(*directory_, *file);
  if (!size) return size.error();
  const auto stored = content.descriptor();
  if (!stored) return make_error(Errc::internal, "content without a digest at its end");
  if (stored->size != *size) {
    return make_error(Errc::corrupt, stored->digest.to_string() + " has " + std::to_string(*size) +
                                         " bytes where its descriptor says " + std::to_string(stored->size))
        .on(Side::source);
  }
  DAVIT_TRY_VOID(here(directory_->publish(*file, stored->digest)));
  return *stored;
}

Result<> LayoutWriter::put_manifest(const Manifest& manifest, std::span<const std::string> names,
                                    const CallContext& context) {
  return put(manifest, names, std::nullopt, context);
}

Result<> LayoutWriter::exchange(const Manifest& manifest, std::span<const std::string> names,
                                const Digest& before, const CallContext& context) {
  return put(manifest, names, before, context);
}

Result<> LayoutWriter::put(const Manifest& manifest, std::span<const std::string> names,
                           const std::optional<Digest>& before, const CallContext& context) {
  DAVIT_TRY_VOID(here(store(manifest, context)));
  if (!names.empty()) DAVIT_TRY_VOID(here(list(manifest, names, before, context)));
  MutexLock lock(mutex_);
  put_.add(manifest, names);
  return {};
}

Result<> LayoutWriter::store(const Manifest& manifest, const CallContext& context) {
  DAVIT_TRY(const bool there, directory_->holds(manifest.descriptor(), context));
  if (there) return {};
  DAVIT_TRY(const auto file, directory_->stage_unknown());
  auto written = file->write_at(0, std::as_bytes(std::span(manifest.bytes())));
  leave(*directory_, *file);
  if (!written) return written;
  return directory_->publish(*file, manifest.descriptor().digest);
}

Result<> LayoutWriter::list(const Manifest& manifest, std::span<const std::string> names,
                            const std::optional<Digest>& before, const CallContext& context) {
  return directory_->edit_index(
      [&](std::string_view index) -> Result<std::string> {
        if (before)
          DAVIT_TRY_VOID(content::refuse_moved(index, names.front(), *before, manifest.descriptor().digest));
        return content::with_names(index, content::index_entry(manifest), names);
      },
      context);
}

Result<> LayoutWriter::finish(const CallContext& context) {
  std::vector<Descriptor> unnamed;
  {
    MutexLock lock(mutex_);
    unnamed = put_.unnamed_roots();
  }
  if (!unnamed.empty()) {
    DAVIT_TRY_VOID(here(directory_->edit_index(
        [&](std::string_view index) { return content::with_unnamed(index, unnamed); }, context)));
  }
  directory_->tidy();
  return {};
}

}  // namespace davit::layout
