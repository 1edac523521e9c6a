// From the words of a command line to orders for the engine: which images of the source go where, under which
// names.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/ecr_reference.h"
#include "client/file_sinks.h"
#include "client/sources.h"
#include "client/tagged.h"
#include "client/target.h"
#include "content/convert.h"
#include "model/media_type.h"

namespace davit {
namespace {

using client::DestinationPattern;
using client::FileTarget;
using client::Picked;
using client::Target;
using client::Verb;

/// "1.4" of a layout is a tag; "app:1.4" is a name with a tag.
std::string full_name(const std::string& name) {
  return name.find_first_of(":/") == std::string::npos && Reference::is_tag(name) ? ":" + name : name;
}

std::string tag_of(const std::string& name) {
  return client::split_name(full_name(name)).tag;
}

/// The tag that all names of an image agree on; empty when they do not, or have none. An archive may give one
/// name in full and as a tag.
std::string common_tag(const Picked& picked) {
  std::string common;
  for (const std::string& name : picked.image.names) {
    const std::string tag = tag_of(name);
    if (!Reference::is_tag(tag) || (!common.empty() && common != tag)) return {};
    common = tag;
  }
  return common;
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
      if (reference.tag.empty() && !reference.digest) reference.tag = common_tag(picked);
      out[reference.name()].push_back(std::move(reference));
    }
  }
  return out;
}

Error no_tag(const std::string& destination, const Picked& picked, Verb verb, std::string_view source) {
  std::string why = "the destination has no tag, and ";
  std::string tag = "TAG";
  if (picked.image.names.empty()) {
    why += "the image has no name to take one from";
  } else {
    why += "the image has several names:";
    for (const std::string& name : picked.image.names) why += " " + escaped(name, 100);
    if (const std::string first = tag_of(picked.image.names.front()); !first.empty()) tag = first;
  }
  if (verb == Verb::index)
    return make_error(Errc::invalid_argument, destination + ": the destination has no tag",
                      "write " + destination + ":" + tag);
  return make_error(Errc::invalid_argument, destination + ": " + why,
                    client::command_line(verb, source, destination + ":" + tag));
}

/// Two images under one tag: whichever came last would be there alone.
Result<> refuse_shared_tags(const std::vector<transfer::Order>& orders) {
  std::map<std::string, const transfer::Order*> owners;
  for (const transfer::Order& order : orders) {
    for (const transfer::Destination& destination : order.destinations) {
      for (const std::string& tag : destination.tags) {
        const auto [owner, first] = owners.emplace(destination.name + ":" + tag, &order);
        if (first || owner->second == &order) continue;
        const bool file =
            destination.name.starts_with("oci:") || destination.name.starts_with("oci-archive:");
        return make_error(
            Errc::invalid_argument,
            owner->first + " is meant for two images: " + owner->second->name + " and " + order.name,
            file ? "copy them one by one, each under a name of its own, as " + destination.name + ":NAME:TAG"
                 : "with {repo} and {tag} in the destination each image goes its own way");
      }
    }
  }
  return {};
}

/// "docker.io/library/redis:7" is what people and Docker call redis:7.
std::string familiar(const std::string& name) {
  const auto parsed = Reference::parse(name);
  if (!parsed || parsed->host != "docker.io") return name;
  std::string repository = parsed->repository;
  if (repository.starts_with("library/")) repository = repository.substr(8);
  return repository + (parsed->tag.empty() ? "" : ":" + parsed->tag);
}

/// The names an image has in a file: those that were asked for, else those of the source, and further tags.
std::vector<std::string> names_in(const FileTarget& target, const Picked& picked,
                                  std::span<const std::string> further) {
  std::vector<std::string> out = target.names;
  const bool layout = target.kind == FileTarget::Kind::layout;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(out, name) == out.end()) out.push_back(name);
  };
  for (const std::string& written : picked.image.names) {
    const std::string tag = tag_of(written);
    const bool tag_alone = full_name(written) != written;
    if (tag.empty() || !target.names.empty()) continue;
    if (layout || (tag_alone && target.kind == FileTarget::Kind::oci_archive)) add(tag);
    if (!layout && !tag_alone) add(familiar(written));
  }
  const std::string repository = out.empty() || out.front().find(':') == std::string::npos
                                     ? std::string()
                                     : out.front().substr(0, out.front().rfind(':')) + ":";
  for (const std::string& tag : further) add(repository + tag);
  return out;
}

/// The destinations of one call, while its orders are written.
struct Ends {
  Verb verb;
  std::string_view source;  ///< as written; empty where it is no one argument
  const client::Source& from;
  std::vector<Target> targets;
  const CopyOptions& options;
  client::Registries& registries;
  client::FileSinks& files;
  std::span<const std::string> tags;           ///< further ones, for every repository
  std::shared_ptr<ContentSink> own_sink = {};  ///< co-owned by the orders
  std::vector<std::string> own_names = {};
  const IndexWork* index = nullptr;
  std::map<Digest, Reference> elsewhere = {};  ///< blobs that are not from the source's own repository

  /// The same places for an image that keeps the one tag it has.
  [[nodiscard]] Ends beside(const std::string& tag) const {
    Ends out = *this;
    out.tags = {};
    out.own_names = {tag};
    for (Target& target : out.targets) {
      if (auto* pattern = std::get_if<DestinationPattern>(&target)) {
        pattern->tags.clear();
        pattern->digest.reset();
      } else {
        std::get<FileTarget>(target).names.clear();
      }
    }
    return out;
  }
};

Result<> add_file(const FileTarget& target, const Picked& picked, Ends& ends, transfer::Order& order,
                  const CallContext& context) {
  transfer::Destination destination{.sink = {},
                                    .name = target.text(),
                                    .tags = names_in(target, picked, ends.tags),
                                    .expected = std::nullopt};
  const auto nameless = std::ranges::find_if(
      destination.tags, [](const std::string& name) { return name.find(':') == std::string::npos; });
  if (target.kind == FileTarget::Kind::docker_archive && nameless != destination.tags.end())
    return make_error(Errc::invalid_argument,
                      target.text() + ": images in it are called NAME:TAG, and for the tag " +
                          escaped(*nameless, 140) + " there is no NAME",
                      "write " + target.text() + ":NAME:" + escaped(*nameless, 140));
  if (target.kind == FileTarget::Kind::layout) {
    destination.replaces = ends.options.replaces;
    destination.tells_moved = target.names.empty() && !destination.replaces;
  }
  DAVIT_TRY(destination.sink, ends.files.sink(target, context));
  order.destinations.push_back(std::move(destination));
  return {};
}

/// What is known about the images of an index and the repository it goes to.
void add_index_work(const IndexWork& work, const Reference& to, transfer::Order& order,
                    transfer::Destination& destination) {
  for (const auto& [digest, place] : work.places) {
    if (place.host == to.host && place.repository == to.repository) order.settled.insert(digest);
  }
  destination.mount_from = [joined = work.joined, host = to.host,
                            own = to.repository](const Descriptor& blob) {
    std::string from = joined->repository_of(blob.digest, host);
    return from == own ? std::string() : from;
  };
}

/// Which repository of the destination's registry holds a blob: that of the source, or where an edit has it
/// from.
std::function<std::string(const Descriptor&)> mounts_for(const Reference* source,
                                                         const std::map<Digest, Reference>& elsewhere,
                                                         const Reference& to) {
  const auto useful = [&](const Reference& place) {
    return place.host == to.host && place.repository != to.repository;
  };
  std::map<Digest, std::string> others;  // empty: nothing to mount from
  for (const auto& [digest, place] : elsewhere)
    others.emplace(digest, useful(place) ? place.repository : std::string());
  std::string own = source != nullptr && useful(*source) ? source->repository : std::string();
  if (own.empty() && others.empty()) return {};
  return [own = std::move(own), others = std::move(others)](const Descriptor& blob) {
    const auto other = others.find(blob.digest);
    return other == others.end() ? own : other->second;
  };
}

Result<> add_repositories(const DestinationPattern& pattern, const Picked& picked, Ends& ends,
                          transfer::Order& order) {
  const auto* named = std::get_if<Reference>(&ends.from);
  DAVIT_TRY(const auto repositories, targets(pattern, picked));
  for (const auto& [name, references] : repositories) {
    const Reference& first = references.front();
    transfer::Destination destination{.sink = {}, .name = name, .tags = {}, .expected = first.digest};
    destination.replaces = ends.options.replaces;
    DAVIT_TRY(destination.sink, ends.registries.repository(first.host, first.repository, Side::destination,
                                                           ends.options.create_repository));
    if (ends.index != nullptr) {
      add_index_work(*ends.index, first, order, destination);
    } else {
      destination.mount_from = mounts_for(named, ends.elsewhere, first);
    }
    const auto add = [&](const std::string& tag) {
      if (!tag.empty() && std::ranges::find(destination.tags, tag) == destination.tags.end())
        destination.tags.push_back(tag);
    };
    for (const Reference& reference : references) add(reference.tag);
    for (const std::string& tag : ends.tags) add(tag);
    const bool by_digest = first.digest || (named != nullptr && named->digest && named->tag.empty());
    if (destination.tags.empty() && !by_digest) return no_tag(name, picked, ends.verb, ends.source);
    order.destinations.push_back(std::move(destination));
  }
  return {};
}

bool is_index(const Picked& picked) {
  const auto* root = std::get_if<Descriptor>(&picked.image.root);
  return root != nullptr && model::is_index(model::essence(root->media_type));
}

bool is_docker_archive(const Target& target) {
  const auto* file = std::get_if<FileTarget>(&target);
  return file != nullptr && file->kind == FileTarget::Kind::docker_archive;
}

/// What a docker-archive cannot hold, said before anything moves.
Result<> fits_docker_archive(const Picked& picked, const CopyOptions& options, const CallContext& context) {
  const auto* root = std::get_if<Descriptor>(&picked.image.root);
  if (root == nullptr) return {};
  if (options.referrers || options.digest_tags)
    return make_error(Errc::invalid_argument, "a docker-archive has no place for what refers to an image",
                      "write an oci-archive or a layout");
  if (is_index(picked)) return {};
  DAVIT_TRY(const Manifest manifest, picked.source->manifest(root->digest.to_string(), context));
  if (!manifest.config() || !model::is_image_config(model::essence(manifest.config()->media_type)))
    return make_error(Errc::unsupported,
                      picked.label + " is no container image, and a docker-archive holds nothing else",
                      "write an oci-archive or a layout");
  for (const Descriptor& layer : manifest.layers()) {
    if (model::is_foreign_layer(layer.media_type))
      return make_error(Errc::unsupported,
                        picked.label + ": layer " + layer.digest.short_form() +
                            " is foreign and does not travel, and a docker-archive holds all layers",
                        "write an oci-archive or a layout");
  }
  return {};
}

/// The platforms that were asked for; where a docker-archive is written, which holds one, this machine's.
Result<> choose(Picked& picked, const Ends& ends, const CallContext& context) {
  const bool docker = std::ranges::any_of(ends.targets, is_docker_archive);
  if (docker && ends.verb == Verb::index)
    return make_error(Errc::invalid_argument, "a docker-archive holds no index",
                      "write an oci-archive or a layout");
  if (docker) DAVIT_TRY_VOID(fits_docker_archive(picked, ends.options, context));
  if (!ends.options.platforms.empty()) {
    if (ends.options.preserve_digests)
      return make_error(Errc::invalid_argument,
                        "choosing platforms may change the digest, which was to be preserved");
    const bool index = is_index(picked);
    const auto* whole = std::get_if<Descriptor>(&picked.image.root);
    const std::optional<Digest> before = whole != nullptr ? std::optional(whole->digest) : std::nullopt;
    DAVIT_TRY_VOID(client::choose_platforms(picked, ends.options.platforms, context));
    const auto* chosen = std::get_if<Descriptor>(&picked.image.root);
    const bool same = before && chosen != nullptr && chosen->digest == *before;
    if (index && !same && (ends.options.referrers || ends.options.digest_tags))
      picked.image.notes.emplace_back(
          "only some platforms were chosen: what refers to the whole index stays behind");
    if (docker && is_index(picked))
      return make_error(Errc::invalid_argument,
                        "a docker-archive holds one platform, and several were chosen",
                        "choose one, or write an oci-archive");
    return docker && index ? fits_docker_archive(picked, ends.options, context) : Result<>();
  }
  if (!docker || !is_index(picked)) return {};
  if (ends.options.preserve_digests)
    return make_error(Errc::invalid_argument,
                      picked.label +
                          " is for several platforms, and a docker-archive holds one: its digest " +
                          "cannot be preserved",
                      "write an oci-archive or a layout, or leave out --preserve-digests");
  if (!std::ranges::all_of(ends.targets, is_docker_archive)) {
    return make_error(Errc::invalid_argument,
                      picked.label + " is for several platforms, and a docker-archive holds one",
                      "choose with --platform, or write an oci-archive");
  }
  const Platform host[] = {Platform::host()};
  auto chosen = client::choose_platforms(picked, host, context);
  if (!chosen) {
    Error error = chosen.error();
    error.hint += std::string(error.hint.empty() ? "" : "; ") + "--platform chooses";
    return error;
  }
  picked.image.notes.push_back("a docker-archive holds one platform: " + host[0].to_string());
  return fits_docker_archive(picked, ends.options, context);
}

Result<> add_order(const Picked& picked, Ends& ends, std::vector<transfer::Order>& out,
                   transfer::Board& board, const CallContext& context) {
  for (const std::string& note : picked.image.notes) board.note(picked.label + ": " + note);
  transfer::Order order{
      .source = picked.source, .root = picked.image.root, .name = picked.label, .destinations = {}};
  if (const auto* root = std::get_if<Descriptor>(&picked.image.root); root != nullptr && picked.made) {
    DAVIT_TRY(const Manifest top, picked.source->manifest(root->digest.to_string(), context));
    order.made.insert(root->digest);
    for (const Descriptor& child : top.manifests()) order.made.insert(child.digest);
  }
  if (ends.index != nullptr) order.made = ends.index->made;
  for (const Target& target : ends.targets) {
    if (const auto* pattern = std::get_if<DestinationPattern>(&target)) {
      DAVIT_TRY_VOID(add_repositories(*pattern, picked, ends, order));
    } else {
      const FileTarget& file = std::get<FileTarget>(target);
      const auto* root = std::get_if<Descriptor>(&picked.image.root);
      if (root != nullptr && !picked.made && file.kind != FileTarget::Kind::docker_archive &&
          !ends.options.recompress &&
          (root->media_type == model::kDockerManifest || root->media_type == model::kDockerList))
        board.note(file.text() +
                   ": Docker's manifests stay as they are; for tools that read only OCI ones, " +
                   "--oci converts");
      DAVIT_TRY_VOID(add_file(file, picked, ends, order, context));
    }
  }
  if (ends.own_sink) {
    order.destinations.push_back({.sink = ends.own_sink,
                                  .name = "a store of the caller's",
                                  .tags = ends.own_names,
                                  .expected = std::nullopt});
  }
  out.push_back(std::move(order));
  return {};
}

/// An image in a store that the caller brought.
Result<std::vector<Picked>> own_image(const Errand& errand, const CallContext& context) {
  auto root = errand.own_source->resolve(errand.source, context);
  if (!root) return root.error().on(Side::source);
  Picked picked{.source = errand.own_source,
                .image = {.names = {}, .root = *root},
                .label = escaped(errand.source, 200)};
  if (Reference::is_tag(errand.source)) picked.image.names.emplace_back(errand.source);
  return std::vector<Picked>{std::move(picked)};
}

Picked picked_from(const OpenedImage& image) {
  return {.source = image.source,
          .image = {.names = image.names, .root = image.root, .notes = image.notes},
          .label = image.name,
          .made = image.made};
}

/// An image with manifests of its own in the format that was asked for.
Result<> convert(Picked& picked, const CopyOptions& options, const CallContext& context) {
  const auto* root = std::get_if<Descriptor>(&picked.image.root);
  // Where layers are compressed anew, the engine writes the manifests, in this format.
  if (root == nullptr || options.format == ManifestFormat::automatic || options.recompress || picked.made)
    return {};
  const bool oci = options.format == ManifestFormat::oci;
  auto converted =
      content::converted(picked.source, *root, oci ? model::Format::oci : model::Format::docker, context);
  if (!converted) return converted.error().with_context("convert " + picked.label).on(Side::source);
  if (converted->root.digest == root->digest) return {};
  if (options.referrers || options.digest_tags)
    return make_error(Errc::invalid_argument,
                      "what refers to an image names its digest, which changes when the image is converted",
                      "leave out --referrers and --digest-tags, or --oci and --docker");
  if (options.preserve_digests) {
    return make_error(Errc::conflict,
                      picked.label + ": in " + (oci ? "the OCI" : "Docker's") +
                          " format the image has another digest, and it was to be preserved",
                      "leave out --oci, --docker or --preserve-digests");
  }
  picked.image.notes.push_back("converted to " + std::string(oci ? "the OCI" : "Docker's") +
                               " format: the digest is no longer " + root->digest.to_string());
  picked.source = std::move(converted->source);
  picked.image.root = converted->root;
  return {};
}

/// When a registry has everything that an index lists, it is put with one request.
bool worth_a_look(const transfer::Order& order, const std::vector<Descriptor>& entries,
                  const CopyOptions& options) {
  return options.on_existing_tag != OnExistingTag::replace || order.destinations.size() != 1 ||
         !std::ranges::all_of(entries,
                              [&](const Descriptor& entry) { return order.settled.contains(entry.digest); });
}

/// What cannot be had together with layers that are compressed anew.
Result<> refuse_with_recompress(const CopyOptions& options) {
  if (!options.recompress) return {};
  const auto usage = [](const char* why, const char* hint) {
    return make_error(Errc::invalid_argument, why, hint);
  };
  if (options.preserve_digests)
    return usage("layers that are compressed anew change the digest, which was to be preserved",
                 "leave out --recompress or --preserve-digests");
  if (options.keep_archive_layers)
    return usage("layers cannot be kept and compressed anew", "say which compression they should have");
  if (options.referrers || options.digest_tags)
    return usage("what refers to an image names its digest, which changes when layers are compressed anew",
                 "leave out --referrers and --digest-tags, and sign the new image");
  return {};
}

}  // namespace

Result<client::Source> Client::Impl::source_of(std::string& written, const CallContext& context) {
  DAVIT_TRY(std::string expanded, registries.expanded(written, Side::source, context));
  if (client::is_ecr_reference(written)) written = std::move(expanded);
  return client::parse_source(written);
}

Result<std::vector<transfer::Order>> Client::Impl::orders(const Errand& errand, transfer::Board& board,
                                                          const CallContext& context) {
  const CopyOptions& copy = errand.options;
  if (errand.destinations.empty() && !errand.own_sink)
    return make_error(Errc::invalid_argument, "no destination");
  DAVIT_TRY_VOID(refuse_with_recompress(copy));
  std::string source(errand.source);
  client::Source from;
  if (errand.image != nullptr) {
    if (errand.image->reference) from = *errand.image->reference;
  } else if (!errand.own_source) {
    DAVIT_TRY(from, source_of(source, context));
  }
  const bool registry_source = std::holds_alternative<Reference>(from);
  if (errand.verb == Verb::push && registry_source && errand.destinations.size() == 1 &&
      client::names_file(errand.destinations.front()))
    return client::reversed_push(source, errand.destinations.front());
  if (errand.verb == Verb::pull && !registry_source)
    return client::not_to_pull(source, errand.destinations.empty() ? "" : errand.destinations.front());
  client::FileSinks files(copy, options, errand.use);
  const std::string_view typed = errand.image != nullptr ? std::string_view() : source;
  Ends ends{.verb = errand.verb,
            .source = typed,
            .from = from,
            .targets = {},
            .options = copy,
            .registries = registries,
            .files = files,
            .tags = copy.tags,
            .own_sink = errand.own_sink,
            .own_names = errand.own_names,
            .index = errand.index,
            .elsewhere = {}};
  if (errand.image != nullptr) ends.elsewhere = errand.image->elsewhere;
  for (const std::string& destination : errand.destinations) {
    if (errand.verb == Verb::pull && destination.empty()) {
      ends.targets.emplace_back(client::default_output(std::get<Reference>(from)));
      continue;
    }
    DAVIT_TRY(const std::string full, registries.expanded(destination, Side::destination, context));
    DAVIT_TRY(ends.targets.emplace_back(), client::parse_target(full, errand.verb, typed));
  }
  for (const std::vector<std::string>* given : {&copy.tags, &copy.reuse_from}) {
    for (const std::string& tag : *given) {
      if (!Reference::is_tag(tag)) return client::bad_argument(tag, "not a tag");
    }
  }
  const bool all_images = !errand.own_sink && std::ranges::all_of(ends.targets, [](const Target& target) {
    const auto* pattern = std::get_if<DestinationPattern>(&target);
    return pattern != nullptr ? pattern->is_template() : std::get<FileTarget>(target).names.empty();
  });
  std::optional<client::TaggedImages> tagged;
  const auto* file = std::get_if<client::FileLocation>(&from);
  if (copy.all_tags || copy.digest_tags) {
    if (errand.own_source || errand.image != nullptr)
      return client::bad_argument(source, "not a repository in a registry, and tags are those of one",
                                  "leave out --all-tags and --digest-tags");
    if (file != nullptr && copy.all_tags)
      return client::bad_argument(source, "not a repository in a registry, and tags are those of one",
                                  "without --all-tags a destination like REGISTRY/REPOSITORY:{tag} takes all "
                                  "images of a file, and REGISTRY/{repo}:{tag} each to its own repository");
    if (file != nullptr && file->path == "-")
      return make_error(Errc::invalid_argument,
                        "standard input is read once, and what digest tags name may come before the image",
                        "write it to a file first, or leave out --digest-tags");
    if (file == nullptr) tagged.emplace(std::get<Reference>(from), registries, options.jobs);
  }
  std::vector<Picked> beside;
  const client::SourceSettings reading{
      .client = options, .all_images = all_images, .beside = copy.digest_tags ? &beside : nullptr};
  std::vector<Picked> images;
  if (errand.image != nullptr) {
    images = {picked_from(*errand.image)};
  } else if (errand.own_source) {
    DAVIT_TRY(images, own_image(errand, context));
  } else if (copy.all_tags) {
    DAVIT_TRY(images, tagged->all(*copy.all_tags, !copy.referrers, context));
  } else {
    DAVIT_TRY(images, client::open_source(from, source, copy, reading, registries, context));
  }
  client::FileCompanions in_file(std::move(beside));
  std::vector<transfer::Order> out;
  std::set<std::size_t> asked_for;
  if (images.size() == 1 && !copy.all_tags) asked_for.insert(0);
  for (Picked& picked : images) {
    DAVIT_TRY_VOID(choose(picked, ends, context));
    if (errand.index == nullptr) DAVIT_TRY_VOID(convert(picked, copy, context));
    DAVIT_TRY_VOID(add_order(picked, ends, out, board, context));
    if (!copy.digest_tags) continue;
    // A tag that lists referrers is kept up by whoever puts them, where the registry has no other list.
    DAVIT_TRY(const std::vector<Picked> companions,
              tagged ? tagged->companions_of(picked, !copy.referrers, context)
                     : in_file.companions_of(picked, !copy.referrers, context));
    for (const Picked& companion : companions) {
      Ends its = ends.beside(tag_of(companion.image.names.front()));
      DAVIT_TRY_VOID(add_order(companion, its, out, board, context));
    }
  }
  DAVIT_TRY_VOID(refuse_shared_tags(out));
  client::spare_lists(out, asked_for, options.jobs, board, context);
  if (errand.index != nullptr && (out.size() != 1 || out.front().destinations.size() != 1))
    return client::bad_argument(errand.destinations.front(), "an index goes to one place",
                                "davit copy brings it to others");
  if (errand.index != nullptr && errand.use == client::SinkUse::write)
    out.front().look = worth_a_look(out.front(), errand.index->entries, copy);
  return out;
}

}  // namespace davit
