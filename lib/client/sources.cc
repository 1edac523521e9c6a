#include "client/sources.h"

#include <algorithm>
#include <cerrno>
#include <variant>

#include <fcntl.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "content/choose_image.h"
#include "content/overlay.h"
#include "io/file.h"
#include "layout/layout.h"
#include "model/digest_tags.h"

namespace davit::client {
namespace {

/// What is missing inside a file makes the file a bad one; it is not the image that cannot be found.
Error bad_file(const Error& error, const std::string& path) {
  Error out = error.on(Side::source);
  if (out.code == Errc::not_found) out.code = Errc::corrupt;
  return out.message.find(path) == std::string::npos ? out.with_context(escaped(path, 300)) : out;
}

/// An image without a look at what is below its manifest.
template <class Store>
Result<content::StoredImage> listed(Store& store, const content::ImageListing& listing,
                                    const CallContext& context) {
  DAVIT_TRY(const Manifest manifest, store.manifest(listing.root.to_string(), context));
  Descriptor root = manifest.descriptor();
  root.size = listing.size;  // which may be wrong, as all that is listed
  return content::StoredImage{.names = listing.names, .root = std::move(root)};
}

/// The argument for the first of several images. Empty where there is none.
std::string spelling(const FileLocation& location, const std::vector<content::ImageListing>& images,
                     std::string_view scheme) {
  const content::ImageListing& first = images.front();
  const std::string file = std::string(scheme) + location.path;
  // A name stands behind the first colon, a digest behind the last "@".
  if (location.path.find(':') != std::string::npos)
    return first.root.empty() ? std::string() : file + "@" + first.root.to_string();
  const bool tag = first.names.size() == 1 && Reference::is_tag(first.names.front()) &&
                   std::ranges::count(images, first.names, &content::ImageListing::names) == 1;
  return file + ":" + (tag ? first.names.front() : "@0");
}

/// How one image of the file is named, where the argument could be several.
Error with_spelling(Error error, const FileLocation& location,
                    const std::vector<content::ImageListing>& images, std::string_view scheme) {
  if (error.code != Errc::invalid_argument || images.empty()) return error;
  const std::string first = spelling(location, images, scheme);
  if (!first.empty()) error.hint = "name one of them, as " + escaped(first, 300);
  return error;
}

/// What belongs to an image by its name, but for what is picked anyway.
template <class Store>
Result<std::vector<Picked>> named_by_digest_tags(const std::shared_ptr<Store>& store,
                                                 const std::vector<std::size_t>& picked,
                                                 const CallContext& context) {
  std::vector<Picked> out;
  for (std::size_t i = 0; i < store->images().size(); ++i) {
    const content::ImageListing& listing = store->images()[i];
    if (listing.root.empty() || std::ranges::find(picked, i) != picked.end()) continue;
    for (const std::string& name : listing.names) {
      const std::string tag(model::tag_in(name));
      if (!model::digest_tag(tag)) continue;
      DAVIT_TRY(content::StoredImage image, listed(*store, listing, context));
      image.names = {tag};
      out.push_back({store, std::move(image), escaped(name, 200)});
    }
  }
  return out;
}

/// Of an image's names the one that was asked for. REQUIRES: `names` is not empty.
const std::string& shown_name(const std::vector<std::string>& names, std::string_view wanted) {
  auto found = std::ranges::find(names, wanted);
  if (found == names.end()) found = std::ranges::find(names, wanted, model::tag_in);
  return found == names.end() ? names.front() : *found;
}

/// The images that are meant: the one that was named, the only one, or, where every destination is a
/// template, all.
template <class Store>
Result<std::vector<Picked>> pick(const std::shared_ptr<Store>& store, const FileLocation& location,
                                 std::string_view scheme, const SourceSettings& settings,
                                 const CallContext& context) {
  std::vector<std::size_t> positions;
  if (location.position) {
    if (*location.position >= store->images().size()) {
      return make_error(Errc::not_found,
                        escaped(location.path, 300) + " holds " + std::to_string(store->images().size()) +
                            " images, so there is no @" + std::to_string(*location.position));
    }
    positions = {*location.position};
  } else if (location.name.empty() && settings.all_images && store->images().size() > 1) {
    for (std::size_t i = 0; i < store->images().size(); ++i) positions.push_back(i);
  } else {
    auto chosen = content::choose_image(store->images(), location.name);
    if (!chosen)
      return with_spelling(chosen.error(), location, store->images(), scheme)
          .with_context(escaped(location.path, 300));
    positions = {*chosen};
  }
  std::vector<Picked> out;
  for (const std::size_t position : positions) {
    const content::ImageListing& listing = store->images()[position];
    auto image = settings.as_listed && !listing.root.empty() ? listed(*store, listing, context)
                                                             : store->image(position, context);
    if (!image) return bad_file(image.error(), location.path);
    const bool input = location.path == "-";
    std::string label = input ? "standard input" : escaped(location.path, 300);
    if (!image->names.empty()) label += " (" + escaped(shown_name(image->names, location.name), 200) + ")";
    const bool named = !input && std::holds_alternative<Descriptor>(image->root);
    out.push_back({.source = store,
                   .image = *std::move(image),
                   .label = std::move(label),
                   .place = named ? std::string(scheme) + location.path : std::string()});
  }
  if (settings.beside == nullptr) return out;
  auto beside = named_by_digest_tags(store, positions, context);
  if (!beside) return bad_file(beside.error(), location.path);
  *settings.beside = *std::move(beside);
  return out;
}

std::string_view scheme_of(const layout::Layout&) {
  return "oci:";
}

std::string_view scheme_of(const archive::Archive& archive) {
  return archive.from_docker() ? "docker-archive:" : "oci-archive:";
}

using Store = std::variant<std::shared_ptr<layout::Layout>, std::shared_ptr<archive::Archive>>;

Result<Store> open_store(const FileLocation& location, const CopyOptions& push, const ClientOptions& client,
                         const CallContext& context) {
  const auto absent =
      push.preserve_digests ? content::AbsentPlatforms::refuse : content::AbsentPlatforms::leave_out;
  if (location.path != "-" && is_directory(location.path)) {
    if (location.kind == FileLocation::Kind::docker_archive ||
        location.kind == FileLocation::Kind::oci_archive) {
      return make_error(Errc::invalid_argument,
                        escaped(location.path, 300) + " is a directory, not an archive",
                        "oci:" + location.path + " is an OCI layout");
    }
    auto layout = layout::Layout::open(location.path, absent);
    if (!layout) return bad_file(layout.error(), location.path);
    return Store(*std::move(layout));
  }
  const archive::ArchiveOptions options{.temporary_directory = client.temporary_directory,
                                        .absent = absent,
                                        .keep_manifests = push.keep_archive_layers};
  Result<std::shared_ptr<archive::Archive>> opened = [&] {
    if (location.path != "-") return archive::Archive::open(location.path, options, context);
    io::File input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!input.is_open())
      return Result<std::shared_ptr<archive::Archive>>(errno_error("open standard input", errno));
    return archive::Archive::open(std::move(input), "standard input", options, context);
  }();
  if (!opened) return bad_file(opened.error(), location.path == "-" ? "standard input" : location.path);
  return Store(*std::move(opened));
}

Result<std::vector<Picked>> open_file(const FileLocation& location, const CopyOptions& push,
                                      const SourceSettings& settings, const CallContext& context) {
  DAVIT_TRY(const Store store, open_store(location, push, settings.client, context));
  if (const auto* layout = std::get_if<std::shared_ptr<layout::Layout>>(&store))
    return pick(*layout, location, scheme_of(**layout), settings, context);
  const auto& opened = std::get<std::shared_ptr<archive::Archive>>(store);
  SourceSettings own = settings;
  own.as_listed = settings.as_listed && !opened->from_docker();
  return pick(opened, location, scheme_of(*opened), own, context);
}

/// The manifest is read at once: it is needed in any case, and the first answer already says whether the
/// image is there.
Result<std::vector<Picked>> open_registry(const Reference& reference, std::string_view written,
                                          Registries& registries, const CallContext& context) {
  DAVIT_TRY(std::shared_ptr<registry::Repository> repository,
            registries.repository(reference.host, reference.repository, Side::source));
  const std::string name = source_name(reference);
  auto root = repository->manifest(name, context);
  if (!root) {
    return with_reading(root.error().on(Side::source), written, reference);
  }
  DAVIT_TRY_VOID(check_pin(reference, root->descriptor().digest));
  content::StoredImage image{.root = root->descriptor()};
  if (Reference::is_tag(name)) image.names = {reference.name() + ":" + name};
  std::shared_ptr<ContentSource> source = content::with_manifest(std::move(repository), *std::move(root));
  return std::vector<Picked>{{.source = std::move(source),
                              .image = std::move(image),
                              .label = reference.to_string(),
                              .place = reference.name()}};
}

}  // namespace

std::string source_name(const Reference& reference) {
  if (!reference.tag.empty()) return reference.tag;
  return reference.digest ? reference.digest->to_string() : "latest";
}

Result<> check_pin(const Reference& reference, const Digest& digest, Side side) {
  if (reference.tag.empty() || !reference.digest || digest == *reference.digest) return {};
  return make_error(Errc::conflict, reference.to_string() + ": the tag points at " + digest.to_string(),
                    "leave out the tag to have what the digest names")
      .on(side);
}

Error with_reading(Error error, std::string_view written, const Reference& reference) {
  const bool missing = error.code == Errc::not_found;
  std::vector<std::string> cures;
  // Docker Hub refuses where others say that there is nothing.
  if (!Reference::names_registry(written) &&
      (missing || error.code == Errc::denied || error.code == Errc::unauthenticated)) {
    cures.push_back("there is no file of that name here, so " + escaped(written, 100) +
                    " was taken for an image on Docker Hub");
  }
  if (!error.hint.empty()) cures.push_back(error.hint);
  if (missing && reference.tag.empty() && !reference.digest)
    cures.emplace_back("no tag was written, so latest was looked for");
  error.hint.clear();
  for (const std::string& cure : cures) error.hint += (error.hint.empty() ? "" : "; ") + cure;
  return error;
}

Result<std::vector<Picked>> open_source(const Source& from, std::string_view written,
                                        const CopyOptions& options, const SourceSettings& settings,
                                        Registries& registries, const CallContext& context) {
  if (const auto* file = std::get_if<FileLocation>(&from))
    return open_file(*file, options, settings, context);
  return open_registry(std::get<Reference>(from), written, registries, context);
}

Result<FileListing> list_file(const FileLocation& location, const ClientOptions& client,
                              const CallContext& context) {
  DAVIT_TRY(const Store store, open_store(location, {}, client, context));
  return std::visit(
      [](const auto& opened) {
        return FileListing{opened, opened->images(), scheme_of(*opened)};
      },
      store);
}

Result<> choose_platforms(Picked& picked, std::span<const Platform> wanted, const CallContext& context,
                          content::OnePlatform one_platform) {
  if (const auto* raw = std::get_if<content::RawImage>(&picked.image.root)) {
    const auto missing = std::ranges::find_if(
        wanted, [&](const Platform& one) { return !raw->platform.normalized().satisfies(one.normalized()); });
    if (missing == wanted.end()) return {};
    return make_error(Errc::not_found, picked.label + ": the image is for " + raw->platform.to_string() +
                                           ", not for " + missing->to_string())
        .on(Side::source);
  }
  auto chosen = content::choose_platforms(picked.source, std::get<Descriptor>(picked.image.root), wanted,
                                          context, one_platform);
  if (!chosen) return chosen.error().with_context(picked.label).on(Side::source);
  picked.source = std::move(chosen->source);
  picked.image.root = chosen->root;
  for (std::string& note : chosen->notes) picked.image.notes.push_back(std::move(note));
  return {};
}

}  // namespace davit::client
