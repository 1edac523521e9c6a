#include "client/target.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::client {
namespace {

using Kind = FileTarget::Kind;

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

Error usage(std::string_view text, const std::string& why, std::string hint = {}) {
  return make_error(Errc::invalid_argument, "\"" + escaped(text, 160) + "\": " + why, std::move(hint));
}

std::string quoted_line(Verb verb, std::string_view source, std::string_view target) {
  return "davit " + std::string(to_string(verb)) + " " + escaped(source, 200) + " " + escaped(target, 200);
}

struct Scheme {
  std::string_view prefix;
  Kind kind;
};
constexpr Scheme kSchemes[] = {{"docker-archive:", Kind::docker_archive},
                               {"oci-archive:", Kind::oci_archive},
                               {"ocidir://", Kind::layout},
                               {"oci:", Kind::layout}};

/// PATH[:NAME], NAME being a tag, or NAME:TAG for docker archives; several tags are separated by commas.
Result<FileTarget> with_scheme(std::string_view written, Kind kind, std::string_view rest) {
  FileTarget target{.kind = kind, .path = std::string(rest), .names = {}};
  const auto colon = rest.find(':');
  if (colon != std::string_view::npos && !exists(target.path)) {
    target.path = rest.substr(0, colon);
    std::string_view names = rest.substr(colon + 1);
    for (;;) {
      const std::string_view name = names.substr(0, names.find(','));
      const auto tag_at = name.rfind(':');
      const bool tag_alone =
          tag_at == std::string_view::npos || name.find('/', tag_at) != std::string_view::npos;
      if (kind == Kind::docker_archive) {
        const auto parsed = Reference::parse(tag_alone ? std::string(name) + ":latest" : std::string(name));
        if (!parsed || parsed->digest)
          return usage(written, "\"" + escaped(name, 140) + "\" is no name for an image", "write NAME:TAG");
        target.names.push_back(tag_alone ? std::string(name) + ":latest" : std::string(name));
      } else {
        if (!Reference::is_tag(tag_alone ? name : name.substr(tag_at + 1)))
          return usage(written, "\"" + escaped(name, 140) + "\" is not a tag");
        target.names.emplace_back(tag_alone ? name : name.substr(tag_at + 1));
      }
      if (name.size() == names.size()) break;
      names.remove_prefix(name.size() + 1);
    }
  }
  if (target.path.empty()) return usage(written, "no file name");
  if (kind == Kind::layout && target.path == "-")
    return usage(written, "a layout is a folder and cannot be written to standard output",
                 "oci-archive:- is an archive of one");
  return target;
}

Result<FileTarget> path_target(std::string_view text) {
  FileTarget target{.kind = Kind::docker_archive, .path = std::string(text), .names = {}};
  if (text == "-") return target;
  for (const std::string_view ending : {".tgz", ".tar.gz", ".tar.zst"}) {
    if (text.ends_with(ending))
      return usage(text, "archives are written without compression around them; their layers are compressed",
                   "write " + std::string(text.substr(0, text.size() - ending.size())) + ".tar");
  }
  if (is_directory(target.path)) {
    target.kind = Kind::layout;
  } else if (text.ends_with(".oci.tar")) {
    target.kind = Kind::oci_archive;
  } else if (!text.ends_with(".tar")) {
    target.kind = Kind::layout;
  }
  return target;
}

}  // namespace

std::string_view to_string(Verb verb) {
  return verb == Verb::push ? "push" : verb == Verb::pull ? "pull" : "copy";
}

std::string FileTarget::text() const {
  const std::string_view prefix = kind == Kind::layout        ? "oci:"
                                  : kind == Kind::oci_archive ? "oci-archive:"
                                                              : "docker-archive:";
  return std::string(prefix) + path;
}

Result<Target> parse_target(std::string_view text, Verb verb, std::string_view source) {
  if (text.empty()) return usage(text, "an empty destination");
  for (const Scheme& scheme : kSchemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    if (verb == Verb::push)
      return usage(text, "push goes to a registry, not into a file", quoted_line(Verb::copy, source, text));
    DAVIT_TRY(FileTarget target, with_scheme(text, scheme.kind, text.substr(scheme.prefix.size())));
    return Target(std::move(target));
  }
  // A tag may well end like a file name: where a registry is named, the ending says nothing.
  const bool dotted = text.starts_with("./") || text.starts_with("../") || text.starts_with("/");
  const bool path = looks_like_path(text) && (dotted || !Reference::names_registry(text));
  const bool registry =
      !path && !text.ends_with('/') && (text.starts_with("docker://") || Reference::names_registry(text));
  if (verb == Verb::push || registry ||
      (verb == Verb::copy && !path && !exists(std::string(text)) && !text.ends_with('/'))) {
    if (verb == Verb::pull)
      return usage(text, "pull writes a file or a folder here, and this is a registry",
                   quoted_line(Verb::copy, source, text));
    DAVIT_TRY(DestinationPattern pattern, parse_destination(text));
    return Target(std::move(pattern));
  }
  if (verb == Verb::copy && !path && !text.ends_with('/'))
    return usage(text, "there is a file of that name here, and it could be an image on Docker Hub",
                 "write ./" + std::string(text) + " or docker://" + std::string(text));
  if (verb == Verb::pull && !path && !text.ends_with('/') && !is_directory(std::string(text)))
    return usage(text, "a tar archive or a folder?",
                 "write " + std::string(text) + ".tar or " + std::string(text) + "/");
  DAVIT_TRY(FileTarget target, path_target(text));
  return Target(std::move(target));
}

FileTarget default_output(const Reference& reference) {
  const auto slash = reference.repository.rfind('/');
  return {.kind = Kind::docker_archive,
          .path = reference.repository.substr(slash == std::string::npos ? 0 : slash + 1) + ".tar",
          .names = {}};
}

}  // namespace davit::client
