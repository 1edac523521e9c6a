#include "client/file_sinks.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_writer.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "io/file.h"
#include "layout/earlier.h"
#include "layout/entries.h"
#include "layout/layout_writer.h"

namespace davit::client {
namespace {

/// What a plan sees where there is nothing yet. Nobody writes to it.
class PlannedSink : public ContentSink {
 public:
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted, const CallContext&) override {
    return std::vector<Presence>(wanted.size(), Presence::absent);
  }
  [[nodiscard]] std::size_t probe_batch() const override { return SIZE_MAX; }
  [[nodiscard]] bool names_vouch() const override { return false; }
  Result<Descriptor> put_blob(const Content&, const CallContext&) override { return does_not_write(); }
  Result<> put_manifest(const Manifest&, std::span<const std::string>, const CallContext&) override {
    return does_not_write();
  }

 private:
  static Error does_not_write() { return make_error(Errc::internal, "a plan does not write"); }
};

/// What a plan sees of a layout: what is there, without a change to it.
class PlannedLayout final : public PlannedSink {
 public:
  PlannedLayout(io::File root, const std::string& path) : root_(std::move(root)), earlier_(path) {}

  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                      const CallContext& context) override {
    std::vector<Presence> out;
    for (const Descriptor& blob : wanted) {
      DAVIT_TRY(const bool there, layout::holds_blob(root_, blob, context));
      out.push_back(there ? Presence::present : Presence::absent);
    }
    return out;
  }
  [[nodiscard]] std::size_t probe_batch() const override { return 1; }
  ContentSource* earlier() override { return &earlier_; }

 private:
  io::File root_;
  layout::EarlierImages earlier_;
};

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace

Result<std::shared_ptr<ContentSink>> FileSinks::sink(const FileTarget& target, const CallContext& context) {
  std::error_code problem;
  const std::string path =
      target.path == "-" ? "-" : std::filesystem::weakly_canonical(target.path, problem).string();
  const auto [place, first] =
      made_.try_emplace(path.empty() ? target.path : path, Made{target.kind, nullptr});
  if (place->second.kind != target.kind)
    return make_error(Errc::invalid_argument,
                      escaped(target.path, 300) + " is named twice as a destination, as files of two kinds");
  std::shared_ptr<ContentSink>& known = place->second.sink;
  if (!known) {
    DAVIT_TRY(known, make(target, context));
  }
  return known;
}

Result<std::shared_ptr<ContentSink>> FileSinks::make(const FileTarget& target,
                                                     const CallContext& context) const {
  const io::Durability durability = options_.sync ? io::Durability::synced : io::Durability::unsynced;
  if (target.kind == FileTarget::Kind::layout) {
    if (use_ == SinkUse::plan) {
      auto root = io::File::open(target.path, O_RDONLY | O_DIRECTORY);
      if (root && exists(target.path + "/oci-layout"))
        return std::shared_ptr<ContentSink>(std::make_shared<PlannedLayout>(*std::move(root), target.path));
      return std::shared_ptr<ContentSink>(std::make_shared<PlannedSink>());
    }
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
  if (use_ == SinkUse::plan) return std::shared_ptr<ContentSink>(std::make_shared<PlannedSink>());
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
