#include "client/target.h"

#include <sys/stat.h>

#include <davit/client.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/split.h"
#include "base/try.h"
#include "client/argument.h"

namespace davit::client {
namespace {

using Kind = FileTarget::Kind;

struct Scheme {
  std::string_view prefix;
  Kind kind;
};
constexpr Scheme kSchemes[] = {{"docker-archive:", Kind::docker_archive},
                               {"oci-archive:", Kind::oci_archive},
                               {"ocidir://", Kind::layout},
                               {"oci:", Kind::layout}};

void without_slash(std::string& path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
}

/// PATH[:NAME], NAME being NAME:TAG, or for layouts and their archives a tag alone, too; several are
/// separated by commas. They are kept as they are written: whoever reads asks for them in the same words.
Result<FileTarget> with_scheme(std::string_view written, Kind kind, std::string_view rest) {
  FileTarget target{.kind = kind, .path = std::string(rest), .names = {}};
  const auto colon = rest.find(':');
  if (colon != std::string_view::npos && !is_there(target.path)) {
    target.path = rest.substr(0, colon);
    for (const std::string_view name : split(rest.substr(colon + 1), ',')) {
      const auto tag_at = name.rfind(':');
      const bool tag_alone =
          tag_at == std::string_view::npos || name.find('/', tag_at) != std::string_view::npos;
      const bool docker = kind == Kind::docker_archive;
      std::string whole(name);
      if (tag_alone && docker) whole += ":latest";
      if (tag_alone && !docker) {
        if (!Reference::is_tag(name))
          return bad_argument(written, "\"" + escaped(name, 140) + "\" is not a tag");
      } else if (const auto parsed = Reference::parse(whole); !parsed || parsed->digest) {
        return bad_argument(written, "\"" + escaped(name, 140) + "\" is no name for an image",
                            docker ? "write NAME:TAG" : "write NAME:TAG, or a tag");
      }
      target.names.push_back(std::move(whole));
    }
  }
  if (target.path.empty()) return bad_argument(written, "no file name");
  if (kind == Kind::layout) without_slash(target.path);
  if (kind == Kind::layout && target.path == "-")
    return bad_argument(written, "a layout is a folder and cannot be written to standard output",
                        "oci-archive:- is an archive of one");
  return target;
}

Result<FileTarget> path_target(std::string_view text) {
  FileTarget target{.kind = Kind::docker_archive, .path = std::string(text), .names = {}};
  if (text == "-") return target;
  for (const std::string_view ending : {".tgz", ".tar.gz", ".tar.zst"}) {
    if (ends_like(text, ending))
      return bad_argument(text,
                          "archives are written without compression around them; their layers are compressed",
                          "write " + escaped(text.substr(0, text.size() - ending.size()), 200) + ".tar");
  }
  if (is_directory(target.path) || !ends_like(text, ".tar")) {
    target.kind = Kind::layout;
    without_slash(target.path);
  } else if (ends_like(text, ".oci.tar")) {
    target.kind = Kind::oci_archive;
  }
  return target;
}

/// Only a registry's names are filled in, for there each image has a place of its own.
Result<> refuse_template(const FileTarget& target) {
  for (const std::string_view word : {"{tag}", "{repo}"}) {
    if (target.path.find(word) != std::string::npos && !is_there(target.path))
      return bad_argument(target.path, "the name of a file is not filled in",
                          "leave out " + std::string(word) + ": one archive or layout takes all images");
  }
  return {};
}

/// A file gets its name when it is whole, by taking the place of what is there: a device or a pipe must stay.
Result<Target> beside_devices(FileTarget target, Verb verb, std::string_view source) {
  DAVIT_TRY_VOID(refuse_template(target));
  struct stat status {};
  if (target.path == "-" || ::stat(target.path.c_str(), &status) != 0 || S_ISREG(status.st_mode) ||
      S_ISDIR(status.st_mode))
    return Target(std::move(target));
  return bad_argument(
      target.path, "not a file, and it is not replaced by one",
      command_line(verb, source,
                   target.kind == Kind::oci_archive || verb == Verb::index ? "oci-archive:-" : "-") +
          " > " + escaped(target.path, 200));
}

}  // namespace

std::string FileTarget::text() const {
  const std::string_view prefix = kind == Kind::layout        ? "oci:"
                                  : kind == Kind::oci_archive ? "oci-archive:"
                                                              : "docker-archive:";
  return std::string(prefix) + path;
}

Error not_to_pull(std::string_view source, std::string_view destination) {
  if (names_file(source) && !names_file(destination) && Reference::names_registry(destination) &&
      parse_destination(destination))
    return bad_argument(source, "pull reads from a registry, and this is a path",
                        command_line(Verb::push, source, destination));
  const bool word = !names_file(source) && source.find(':') == std::string_view::npos;
  const std::string image = "docker://" + escaped(source, 200);
  return bad_argument(source, "pull reads from a registry",
                      !word ? "davit copy moves images between files, too"
                      : is_there(std::string(source))
                          ? "there is a file of that name here; " + image + " is an image"
                          : "write " + image + " if it is an image");
}

Error reversed_push(std::string_view source, std::string_view destination) {
  if (!is_there(std::string(destination)))
    return bad_argument(destination, "push goes to a registry, and this is a path",
                        command_line(Verb::pull, source, destination));
  return make_error(Errc::invalid_argument, "push goes from a file to a registry, and these look reversed",
                    command_line(Verb::push, destination, source));
}

Result<Target> parse_target(std::string_view text, Verb verb, std::string_view source) {
  if (text.empty()) return bad_argument(text, "an empty destination");
  DAVIT_TRY_VOID(refuse_foreign_destination(text, verb, source));
  for (const Scheme& scheme : kSchemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    if (verb == Verb::push)
      return bad_argument(text, "push goes to a registry, not into a file",
                          command_line(Verb::copy, source, text));
    DAVIT_TRY(FileTarget target, with_scheme(text, scheme.kind, text.substr(scheme.prefix.size())));
    return beside_devices(std::move(target), verb, source);
  }
  const bool docker = text.starts_with("docker://");
  const bool path = !docker && names_path(text);
  const bool folder = !docker && !path && text.ends_with('/');
  const bool registry = docker || (!path && Reference::names_registry(text));
  // Not even as a folder, whose name results and errors repeat.
  if (registry && Reference::holds_credentials(text)) return bad_argument(text, "");
  const auto into_registry = [&]() -> Result<Target> {
    DAVIT_TRY(DestinationPattern pattern, parse_destination(text));
    return Target(std::move(pattern));
  };
  const std::string word = escaped(text, 200);
  switch (verb) {
    case Verb::push:
      if (path)
        return bad_argument(text, "push goes to a registry, and this is a path",
                            "the source comes first: davit push SOURCE REGISTRY/REPOSITORY:TAG");
      return into_registry();
    case Verb::pull:
      if (registry && !folder)
        return bad_argument(text, "pull writes a file or a folder here, and this is a registry",
                            names_file(text.substr(text.rfind('/') + 1))
                                ? "write ./" + word + " if it is a file"
                                : command_line(Verb::copy, source, text));
      if (!path && !folder && !is_directory(std::string(text)))
        return bad_argument(text, "a tar archive or a folder?", "write " + word + ".tar or " + word + "/");
      break;
    case Verb::copy:
    case Verb::index:
      if (folder && registry)
        return bad_argument(text, "a folder, or a repository?",
                            "write ./" + word + " or docker://" +
                                escaped(text.substr(0, text.size() - 1), 200) +
                                (text.find('/') == text.size() - 1 ? "/REPOSITORY:TAG" : ""));
      if (path || folder) break;
      if (registry) return into_registry();
      if (is_there(std::string(text)))
        return bad_argument(text, "there is a file of that name here, and it could be an image on Docker Hub",
                            "write ./" + word + " or docker://" + word);
      if (text.find_first_of("/:@{") == std::string_view::npos)
        return bad_argument(text, "a folder, or an image on Docker Hub?",
                            "write ./" + word + " or docker://" + word);
      return into_registry();
  }
  DAVIT_TRY(FileTarget target, path_target(text));
  return beside_devices(std::move(target), verb, source);
}

FileTarget default_output(const Reference& reference) {
  const auto slash = reference.repository.rfind('/');
  return {.kind = Kind::docker_archive,
          .path = reference.repository.substr(slash == std::string::npos ? 0 : slash + 1) + ".tar",
          .names = {}};
}

}  // namespace davit::client

namespace davit {

std::string registry_of(std::string_view argument, Side side) {
  if (side == Side::destination) {
    const auto target = client::parse_target(argument, client::Verb::copy, "");
    const auto* pattern = target ? std::get_if<client::DestinationPattern>(&*target) : nullptr;
    return pattern != nullptr ? pattern->registry() : std::string();
  }
  const auto source = client::parse_source(argument);
  const auto* reference = source ? std::get_if<Reference>(&*source) : nullptr;
  return reference != nullptr ? reference->host : std::string();
}

bool goes_to_oci(std::string_view destination) {
  const auto target = client::parse_target(destination, client::Verb::copy, "");
  const auto* file = target ? std::get_if<client::FileTarget>(&*target) : nullptr;
  return file != nullptr && file->kind != client::FileTarget::Kind::docker_archive;
}

}  // namespace davit
