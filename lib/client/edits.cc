// Edits that need more than an image: files that become layers, bases that are named.

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <davit/client.h>
#include <davit/rootfs.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/new_layer.h"
#include "codec/sniff.h"
#include "compose/edit_images.h"
#include "compose/image_edit.h"
#include "io/stream_source.h"
#include "tar/folder_tar.h"

namespace davit {
namespace {

Result<client::LayerForm> form_of(codec::Compressor& compressor, const ClientOptions& client,
                                  LayerCompression compression, std::optional<int> level) {
  client::LayerForm form{.compressor = compressor, .temporary_directory = client.temporary_directory};
  form.kind = compression == LayerCompression::none   ? model::Compression::none
              : compression == LayerCompression::zstd ? model::Compression::zstd
                                                      : model::Compression::gzip;
  form.level = level;
  if (form.kind != model::Compression::none)
    DAVIT_TRY_VOID(codec::validate({.kind = form.kind, .level = form.level}));
  return form;
}

Result<std::shared_ptr<const io::File>> seekable(io::File file, const ClientOptions& options,
                                                 const CallContext& context) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) return errno_error("stat", errno);
  if (S_ISREG(status.st_mode)) return std::make_shared<const io::File>(std::move(file));
  return io::spooled(*io::stream_source(std::move(file), context), options.temporary_directory);
}

/// Each note begins with what it is about.
Layer with_notes(Layer layer, std::vector<std::string> notes, const std::string& name) {
  for (std::string& note : notes) layer.notes.push_back(name + " " + std::move(note));
  return layer;
}

Result<Layer> layer_of_file(io::File opened, const std::string& name, const client::LayerForm& form,
                            const ClientOptions& options, const CallContext& context) {
  DAVIT_TRY(const auto file, seekable(std::move(opened), options, context));
  std::vector<std::byte> head(codec::kSniffSize);
  DAVIT_TRY(const std::size_t count, file->read_at(0, head));
  const codec::FileKind kind = codec::sniff(std::span(head).first(count));
  DAVIT_TRY(const std::uint64_t size, file->size());
  auto content = std::make_shared<const io::FileContent>(file, 0, size, name);
  switch (kind) {
    case codec::FileKind::tar: {
      DAVIT_TRY(auto reading, content->open(0, context));
      DAVIT_TRY(auto notes, client::check_tar(std::move(reading)));
      DAVIT_TRY(Layer layer, client::compressed_layer(std::move(content), form, context));
      return with_notes(std::move(layer), std::move(notes), name);
    }
    case codec::FileKind::gzip:
    case codec::FileKind::zstd: {
      DAVIT_TRY(Layer layer, client::stored_layer(std::move(content), codec::compression_of(kind), context));
      auto notes = std::exchange(layer.notes, {});
      return with_notes(std::move(layer), std::move(notes), name);
    }
    default:
      return make_error(Errc::corrupt, "looks like " + codec::describe(kind),
                        "a layer is a tar, plain or compressed with gzip or zstd, or a folder");
  }
}

}  // namespace

Result<Layer> Client::layer(std::string_view path, const LayerOptions& options) {
  const CallContext context = context_within(options.stop, options.timeout);
  DAVIT_TRY(const client::LayerForm form,
            form_of(impl_->compressor, impl_->options, options.compression, options.compression_level));
  const std::string written(path);
  const std::string name = path == "-" ? "standard input" : escaped(path, 300);
  auto made = [&]() -> Result<Layer> {
    if (path == "-") {
      io::File input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
      if (!input.is_open()) return errno_error("open standard input", errno);
      return layer_of_file(std::move(input), name, form, impl_->options, context);
    }
    struct stat status {};
    if (::stat(written.c_str(), &status) != 0) return errno_error("open", errno);
    if (!S_ISDIR(status.st_mode)) {
      DAVIT_TRY(io::File file, io::File::open(written, O_RDONLY));
      return layer_of_file(std::move(file), name, form, impl_->options, context);
    }
    DAVIT_TRY(tar::FolderTar folder,
              tar::folder_tar(written, {.time = options.time, .keep_owners = options.keep_owners}, context));
    DAVIT_TRY(Layer layer, client::compressed_layer(std::move(folder.content), form, context));
    layer.notes = std::move(folder.notes);
    return layer;
  }();
  if (!made) return made.error().with_context(name);
  made->created_by = "davit append";
  return made;
}

Result<OpenedImage> Client::flatten(const OpenedImage& image, const FlattenOptions& options) {
  const CallContext context = context_within(options.edit.stop, options.edit.timeout);
  DAVIT_TRY(const client::LayerForm form,
            form_of(impl_->compressor, impl_->options, options.compression, options.compression_level));
  const auto edit = [&](const compose::ImageDocuments& before) -> Result<compose::EditedImage> {
    DAVIT_TRY(auto files, flattened_root(*image.source, before.manifest, context));
    DAVIT_TRY(Layer layer, client::spooled_layer(std::move(files), form, context));
    // The manifest of an image from an archive is made here, so its digest says nothing to anybody.
    layer.created_by = "davit flatten " + before.manifest.config()->digest.to_string();
    DAVIT_TRY(compose::ImageDocuments after, compose::replace_by(before, layer, options.edit.time));
    return compose::EditedImage{.documents = std::move(after), .blobs = {layer.content}};
  };
  return compose::edit_images(image, edit, context);
}

Result<OpenedImage> Client::rebase(const OpenedImage& image, const RebaseOptions& options) {
  std::string old_name = options.old_base;
  std::string new_name = options.new_base;
  if (old_name.empty() || new_name.empty()) {
    DAVIT_TRY(const BaseImage base, base_of(image, options.edit));
    const bool enough = !base.name.empty() && (base.digest || !old_name.empty());
    if (!enough) {
      const bool both = old_name.empty() && new_name.empty();
      const std::string missing = old_name.empty() ? "old" : "new";
      return make_error(Errc::invalid_argument,
                        (both ? "" : "no " + missing + " base is given, and ") + image.name +
                            " does not say what it is based on",
                        both ? "name the bases with --old-base and --new-base"
                             : "name the " + missing + " base with --" + missing + "-base");
    }
    auto reference = Reference::parse(base.name);
    if (!reference) return reference.error().with_context("annotation org.opencontainers.image.base.name");
    if (old_name.empty()) old_name = "docker://" + reference->name() + "@" + base.digest->to_string();
    if (new_name.empty()) new_name = "docker://" + reference->to_string();
  }
  const OpenOptions opening{.platforms = {}, .stop = options.edit.stop, .timeout = options.edit.timeout};
  auto old_base = open(old_name, opening);
  if (!old_base) return old_base.error().with_context("old base");
  auto new_base = open(new_name, opening);
  if (!new_base) return new_base.error().with_context("new base");
  return rebase_image(image, *old_base, *new_base, options.edit);
}

}  // namespace davit
