// From the words of a command line to orders for the engine: which images of the source, to which
// repositories, under which tags.

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/ecr_reference.h"
#include "client/location.h"
#include "content/choose_image.h"
#include "layout/layout.h"

namespace davit {
namespace {

using client::DestinationPattern;
using client::FileLocation;

/// An image of the source, ready to be ordered.
struct Picked {
  std::shared_ptr<ContentSource> source;
  content::StoredImage image;
  std::string label;  // for people
};

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// What is missing inside a file makes the file a bad one; it is not the image that cannot be found.
Error bad_file(const Error& error, const std::string& path) {
  Error out = error.on(Side::source);
  if (out.code == Errc::not_found) out.code = Errc::corrupt;
  return out.message.find(path) == std::string::npos ? out.with_context(escaped(path, 300)) : out;
}

/// The images that are meant: the one that was named, the only one, or, where every destination is a
/// template, all.
template <class Store>
Result<std::vector<Picked>> pick(const std::shared_ptr<Store>& store, const FileLocation& location,
                                 bool templates, const CallContext& context) {
  std::vector<std::size_t> positions;
  if (location.position) {
    if (*location.position >= store->images().size()) {
      return make_error(Errc::not_found,
                        escaped(location.path, 300) + " holds " + std::to_string(store->images().size()) +
                            " images, so there is no @" + std::to_string(*location.position));
    }
    positions = {*location.position};
  } else if (location.name.empty() && templates && store->images().size() > 1) {
    for (std::size_t i = 0; i < store->images().size(); ++i) positions.push_back(i);
  } else {
    auto chosen = content::choose_image(store->images(), location.name);
    if (!chosen) return chosen.error().with_context(escaped(location.path, 300));
    positions = {*chosen};
  }
  std::vector<Picked> out;
  for (const std::size_t position : positions) {
    auto image = store->image(position, context);
    if (!image) return bad_file(image.error(), location.path);
    std::string label = location.path == "-" ? "standard input" : escaped(location.path, 300);
    if (!image->names.empty()) label += " (" + escaped(image->names.front(), 200) + ")";
    out.push_back({store, *std::move(image), std::move(label)});
  }
  return out;
}

Result<std::vector<Picked>> open_file(const FileLocation& location, const PushOptions& push,
                                      const ClientOptions& options, bool templates,
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
    return pick(*layout, location, templates, context);
  }
  const archive::ArchiveOptions settings{.temporary_directory = options.temporary_directory,
                                         .absent = absent,
                                         .keep_manifests = push.keep_archive_layers};
  Result<std::shared_ptr<archive::Archive>> opened = [&] {
    if (location.path != "-") return archive::Archive::open(location.path, settings, context);
    io::File input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!input.is_open())
      return Result<std::shared_ptr<archive::Archive>>(errno_error("open standard input", errno));
    return archive::Archive::open(std::move(input), "standard input", settings, context);
  }();
  if (!opened) return bad_file(opened.error(), location.path == "-" ? "standard input" : location.path);
  return pick(*opened, location, templates, context);
}

Result<std::vector<Picked>> open_registry(const Reference& reference, std::string_view written,
                                          client::Registries& registries, const CallContext& context) {
  DAVIT_TRY(std::shared_ptr<registry::Repository> repository,
            registries.repository(reference.host, reference.repository, Side::source));
  const std::string name = reference.digest        ? reference.digest->to_string()
                           : reference.tag.empty() ? "latest"
                                                   : reference.tag;
  auto root = repository->resolve(name, context);
  if (!root) {
    Error error = root.error().on(Side::source);
    if (!Reference::names_registry(written))
      error.hint = "there is no file of that name here, so " + escaped(written, 100) +
                   " was taken for an image on Docker Hub";
    return error;
  }
  content::StoredImage image{.root = *root};
  if (!reference.digest) image.names = {reference.name() + ":" + name};
  return std::vector<Picked>{{repository, std::move(image), reference.to_string()}};
}

/// "1.4" of a layout is a tag; "app:1.4" is a name with a tag.
std::string full_name(const std::string& name) {
  return name.find_first_of(":/") == std::string::npos && Reference::is_tag(name) ? ":" + name : name;
}

/// Where one image goes by one pattern: a repository and its tags for each name that fills the template.
Result<std::map<std::string, std::vector<Reference>>> targets(const DestinationPattern& pattern,
                                                              const Picked& picked) {
  std::vector<std::string> names;
  for (const std::string& name : picked.image.names) names.push_back(full_name(name));
  if (names.empty() || !pattern.is_template()) names.resize(1);
  std::map<std::string, std::vector<Reference>> out;
  for (const std::string& name : names) {
    const std::size_t count = std::max<std::size_t>(pattern.tags.size(), 1);
    for (std::size_t i = 0; i < count; ++i) {
      DestinationPattern one = pattern;
      if (!pattern.tags.empty()) one.tags = {pattern.tags[i]};
      DAVIT_TRY(Reference reference, client::fill(one, name));
      if (reference.tag.empty() && !reference.digest && !picked.image.names.empty()) {
        const std::string tag = client::split_name(full_name(picked.image.names.front())).tag;
        if (picked.image.names.size() == 1 && Reference::is_tag(tag)) reference.tag = tag;
      }
      out[reference.name()].push_back(std::move(reference));
    }
  }
  return out;
}

Error no_tag(const std::string& destination, const Picked& picked, std::string_view source) {
  std::string why = "the destination has no tag, and ";
  std::string tag = "TAG";
  if (picked.image.names.empty()) {
    why += "the image has no name to take one from";
  } else {
    why += "the image has several names:";
    for (const std::string& name : picked.image.names) why += " " + escaped(name, 100);
    if (const std::string first = client::split_name(full_name(picked.image.names.front())).tag;
        !first.empty())
      tag = first;
  }
  return make_error(Errc::invalid_argument, destination + ": " + why,
                    "davit push " + escaped(source, 200) + " " + destination + ":" + tag);
}

/// Two images under one tag: whichever came last would be there alone.
Result<> refuse_shared_tags(const std::vector<transfer::Order>& orders) {
  std::map<std::string, const transfer::Order*> owners;
  for (const transfer::Order& order : orders) {
    for (const transfer::Destination& destination : order.destinations) {
      for (const std::string& tag : destination.tags) {
        const auto [owner, first] = owners.emplace(destination.name + ":" + tag, &order);
        if (first || owner->second == &order) continue;
        return make_error(
            Errc::invalid_argument,
            owner->first + " is meant for two images: " + owner->second->name + " and " + order.name,
            "with {repo} and {tag} in the destination each image goes its own way");
      }
    }
  }
  return {};
}

}  // namespace

Result<std::vector<transfer::Order>> Client::Impl::orders(std::string_view source,
                                                          std::span<const std::string> destinations,
                                                          const PushOptions& push, transfer::Board& board,
                                                          const CallContext& context) {
  if (destinations.empty()) return make_error(Errc::invalid_argument, "no destination");
  DAVIT_TRY(const std::string written, registries.expanded(source, Side::source, context));
  if (client::is_ecr_reference(source)) source = written;
  DAVIT_TRY(const client::Source from, client::parse_source(source));
  if (std::holds_alternative<Reference>(from) && destinations.size() == 1 &&
      client::looks_like_path(destinations.front())) {
    return make_error(Errc::invalid_argument, "push goes from a file to a registry, and these look reversed",
                      "davit push " + escaped(destinations.front(), 200) + " " + escaped(source, 200));
  }
  std::vector<DestinationPattern> patterns;
  for (const std::string& destination : destinations) {
    DAVIT_TRY(const std::string full, registries.expanded(destination, Side::destination, context));
    DAVIT_TRY(patterns.emplace_back(), client::parse_destination(full));
  }
  for (const std::vector<std::string>* given : {&push.tags, &push.reuse_from}) {
    for (const std::string& tag : *given) {
      if (!Reference::is_tag(tag))
        return make_error(Errc::invalid_argument, "\"" + escaped(tag, 140) + "\" is not a tag");
    }
  }
  const bool templates = std::ranges::all_of(patterns, &DestinationPattern::is_template);

  std::vector<Picked> images;
  if (const auto* file = std::get_if<FileLocation>(&from)) {
    DAVIT_TRY(images, open_file(*file, push, options, templates, context));
  } else {
    DAVIT_TRY(images, open_registry(std::get<Reference>(from), source, registries, context));
  }

  std::vector<transfer::Order> out;
  for (Picked& picked : images) {
    for (const std::string& note : picked.image.notes) board.note(picked.label + ": " + note);
    transfer::Order order{.source = picked.source, .root = picked.image.root, .name = picked.label};
    for (const DestinationPattern& pattern : patterns) {
      DAVIT_TRY(const auto repositories, targets(pattern, picked));
      for (const auto& [name, references] : repositories) {
        const Reference& first = references.front();
        transfer::Destination destination{.name = name, .expected = first.digest};
        DAVIT_TRY(destination.sink, registries.repository(first.host, first.repository, Side::destination,
                                                          push.create_repository));
        const auto* named = std::get_if<Reference>(&from);
        if (named != nullptr && named->host == first.host && named->repository != first.repository)
          destination.mount_from = named->repository;
        const auto add = [&](const std::string& tag) {
          if (!tag.empty() && std::ranges::find(destination.tags, tag) == destination.tags.end())
            destination.tags.push_back(tag);
        };
        for (const Reference& reference : references) add(reference.tag);
        for (const std::string& tag : push.tags) add(tag);
        const bool by_digest =
            first.digest || (std::holds_alternative<Reference>(from) && std::get<Reference>(from).digest);
        if (destination.tags.empty() && !by_digest) return no_tag(name, picked, source);
        order.destinations.push_back(std::move(destination));
      }
    }
    out.push_back(std::move(order));
  }
  DAVIT_TRY_VOID(refuse_shared_tags(out));
  return out;
}

}  // namespace davit
