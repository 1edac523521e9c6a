#include "client/file_sinks.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_writer.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/file.h"
#include "layout/layout_writer.h"

namespace davit::client {
namespace {

/// What a plan sees where there is nothing yet: nobody writes to it.
class NothingThere final : public ContentSink {
 public:
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted, const CallContext&) override {
    return std::vector<Presence>(wanted.size(), Presence::absent);
  }
  [[nodiscard]] std::size_t probe_batch() const override { return SIZE_MAX; }
  [[nodiscard]] bool names_vouch() const override { return false; }
  Result<Descriptor> put_blob(const Content&, const CallContext&) override { return refuse(); }
  Result<> put_manifest(const Manifest&, std::span<const std::string>, const CallContext&) override {
    return refuse();
  }

 private:
  static Error refuse() { return make_error(Errc::internal, "a plan does not write"); }
};

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace

Result<std::shared_ptr<ContentSink>> FileSinks::sink(const FileTarget& target, const CallContext& context) {
  std::shared_ptr<ContentSink>& known = made_[target.text()];
  if (!known) {
    DAVIT_TRY(known, make(target, context));
  }
  return known;
}

Result<std::shared_ptr<ContentSink>> FileSinks::make(const FileTarget& target,
                                                     const CallContext& context) const {
  const io::Durability durability = options_.sync ? io::Durability::synced : io::Durability::unsynced;
  if (target.kind == FileTarget::Kind::layout) {
    if (use_ == SinkUse::plan && !exists(target.path + "/oci-layout"))
      return std::shared_ptr<ContentSink>(std::make_shared<NothingThere>());
    DAVIT_TRY(auto layout, layout::LayoutWriter::open(
                               target.path, {.durability = durability, .resume = options_.resume}, context));
    return std::shared_ptr<ContentSink>(std::move(layout));
  }
  const archive::ArchiveFormat format = target.kind == FileTarget::Kind::oci_archive
                                            ? archive::ArchiveFormat::oci
                                            : archive::ArchiveFormat::docker;
  if (options_.on_existing_tag == OnExistingTag::fail && target.path != "-" && exists(target.path)) {
    return make_error(Errc::already_exists, escaped(target.path, 300) + " exists already",
                      "leave out --no-clobber to replace it")
        .on(Side::destination);
  }
  if (use_ == SinkUse::plan) return std::shared_ptr<ContentSink>(std::make_shared<NothingThere>());
  const archive::ArchiveWriterOptions settings{.durability = durability,
                                               .resume = options_.resume,
                                               .temporary_directory = client_.temporary_directory};
  if (target.path == "-") {
    io::File output(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!output.is_open()) return errno_error("open standard output", errno);
    return std::shared_ptr<ContentSink>(
        archive::ArchiveWriter::to_stream(std::move(output), "standard output", format, settings));
  }
  DAVIT_TRY(auto file, archive::ArchiveWriter::create(target.path, format, settings));
  return std::shared_ptr<ContentSink>(std::move(file));
}

}  // namespace davit::client
