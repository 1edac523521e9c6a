#include "client/location.h"

#include <algorithm>
#include <charconv>

#include <sys/stat.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::client {
namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

Error usage(std::string_view text, const std::string& why, std::string hint = {}) {
  if (Reference::holds_credentials(text)) return Reference::parse(text).error();
  return make_error(Errc::invalid_argument, "\"" + escaped(text, 160) + "\": " + why, std::move(hint));
}

/// Transports of other tools that need a daemon or another tool's storage.
struct Refused {
  std::string_view scheme;
  std::string_view why;
  std::string_view instead;
};
constexpr Refused kRefused[] = {
    {"docker-daemon:", "davit does not talk to a Docker daemon",
     "docker save IMAGE | davit push - DESTINATION"},
    {"containers-storage:", "davit does not read Podman's storage",
     "podman save IMAGE | davit push - DESTINATION"},
    {"dir:", "davit does not read skopeo's dir: folders",
     "skopeo copy dir:PATH oci:LAYOUT, then davit push LAYOUT DESTINATION"},
    {"ecr:", "an ecr: name cannot be used here",
     "write the registry's host name: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPO:TAG"},
};

Result<> refuse_foreign_schemes(std::string_view text) {
  for (const Refused& refused : kRefused) {
    if (text.starts_with(refused.scheme))
      return usage(text, std::string(refused.why), std::string(refused.instead));
  }
  return {};
}

/// FILE[:NAME:TAG], FILE[:@N] or FILE@DIGEST. A file whose name has colons in it wins when it exists.
Result<Source> archive_location(FileLocation::Kind kind, std::string_view written, std::string_view rest) {
  FileLocation location{.kind = kind, .path = std::string(rest)};
  if (!exists(location.path)) {
    const auto at = rest.rfind('@');
    const auto colon = rest.find(':');
    if (at != std::string_view::npos && Digest::parse(rest.substr(at + 1))) {
      location.path = rest.substr(0, at);
      location.name = rest.substr(at + 1);
    } else if (colon != std::string_view::npos) {
      location.path = rest.substr(0, colon);
      location.name = rest.substr(colon + 1);
    }
  }
  if (location.path.empty()) return usage(written, "no file name");
  if (location.name.starts_with('@')) {
    std::size_t position = 0;
    const std::string_view digits = std::string_view(location.name).substr(1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), position);
    if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) {
      return usage(written, "@ wants the position of the image, counted from 0",
                   "docker-archive:FILE:@0 is the first");
    }
    location.position = position;
    location.name.clear();
  }
  return location;
}

}  // namespace

bool looks_like_path(std::string_view text) {
  const auto begins = [&](std::string_view with) { return text.starts_with(with); };
  const auto ends = [&](std::string_view with) { return text.ends_with(with); };
  return text == "-" || text == "." || text == ".." || begins("/") || begins("./") || begins("../") ||
         ends(".tar") || ends(".tgz") || ends(".tar.gz") || ends(".tar.zst");
}

Result<Source> parse_source(std::string_view text) {
  if (text.empty()) return usage(text, "an empty source");
  DAVIT_TRY_VOID(refuse_foreign_schemes(text));
  const auto after = [&](std::string_view scheme) { return text.substr(scheme.size()); };
  if (text.starts_with("docker-archive:"))
    return archive_location(FileLocation::Kind::docker_archive, text, after("docker-archive:"));
  if (text.starts_with("oci-archive:"))
    return archive_location(FileLocation::Kind::oci_archive, text, after("oci-archive:"));
  if (text.starts_with("ocidir://"))
    return archive_location(FileLocation::Kind::layout, text, after("ocidir://"));
  if (text.starts_with("oci:")) return archive_location(FileLocation::Kind::layout, text, after("oci:"));
  if (text.starts_with("docker://")) {
    DAVIT_TRY(Reference reference, Reference::parse(text));
    return Source(std::move(reference));
  }
  if (looks_like_path(text) || exists(std::string(text)))
    return Source(FileLocation{.path = std::string(text)});
  DAVIT_TRY(Reference reference, Reference::parse(text));
  return Source(std::move(reference));
}

bool DestinationPattern::is_template() const {
  return repository.find('{') != std::string::npos ||
         std::ranges::any_of(tags, [](const std::string& tag) { return tag.find('{') != std::string::npos; });
}

Result<DestinationPattern> parse_destination(std::string_view text) {
  const std::string_view written = text;
  DAVIT_TRY_VOID(refuse_foreign_schemes(text));
  for (const std::string_view scheme : {"docker-archive:", "oci-archive:", "oci:", "ocidir://"}) {
    if (text.starts_with(scheme)) return usage(text, "push goes to a registry, not into a file");
  }
  // A tag may well end like a file name: where a registry is named, the ending says nothing.
  const bool dotted = text.starts_with("./") || text.starts_with("../");
  if (looks_like_path(text) && (dotted || !Reference::names_registry(text))) {
    return usage(text, "push goes to a registry, and this is a path",
                 "the source comes first: davit push SOURCE REGISTRY/REPOSITORY:TAG");
  }
  if (text.starts_with("docker://")) text.remove_prefix(9);
  DestinationPattern pattern{.text = std::string(written)};
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(text.substr(at + 1));
    if (!digest) return usage(written, digest.error().message);
    pattern.digest = *digest;
    text = text.substr(0, at);
  }
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos) {
    std::string_view tags = text.substr(colon + 1);
    for (;;) {
      const std::string_view tag = tags.substr(0, tags.find(','));
      pattern.tags.emplace_back(tag);
      if (tag.size() == tags.size()) break;
      tags.remove_prefix(tag.size() + 1);
    }
    text = text.substr(0, colon);
  }
  pattern.repository = text;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!written.starts_with("docker://") && text.find('/') == std::string_view::npos &&
      (text == "localhost" || text.find('.') != std::string_view::npos) && pattern.tags.size() == 1 &&
      std::ranges::all_of(pattern.tags.front(), is_digit)) {
    return usage(
        written, "a registry without a repository, or an image on Docker Hub",
        "write " + std::string(written) + "/REPOSITORY:TAG, or docker.io/library/" + std::string(written));
  }
  // Everything that is not a placeholder must be right now, before anything is read.
  DestinationPattern probe = pattern;
  probe.digest.reset();
  if (probe.tags.empty()) probe.tags.emplace_back("x");
  for (const std::string& tag : probe.tags) {
    DestinationPattern one = probe;
    one.tags = {tag};
    DAVIT_TRY_VOID([&]() -> Result<> {
      DAVIT_TRY(const Reference checked, fill(one, "x:x"));
      return {};
    }());
  }
  return pattern;
}

ImageName split_name(std::string_view name) {
  ImageName out;
  name = name.substr(0, name.find('@'));
  if (Reference::names_registry(name)) name.remove_prefix(name.find('/') + 1);
  if (const auto colon = name.rfind(':');
      colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    out.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  if (name.starts_with("library/")) name.remove_prefix(8);
  out.repository = name;
  return out;
}

Result<Reference> fill(const DestinationPattern& pattern, std::string_view name) {
  const ImageName image = split_name(name);
  std::string text = pattern.repository;
  if (!pattern.tags.empty()) text += ":" + pattern.tags.front();
  const std::pair<std::string_view, const std::string*> placeholders[] = {{"{repo}", &image.repository},
                                                                          {"{tag}", &image.tag}};
  for (const auto& [placeholder, value] : placeholders) {
    for (auto at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + value->size())) {
      if (value->empty()) {
        return usage(pattern.text, "the image" +
                                       (name.empty() ? std::string(" has no name")
                                                     : " \"" + escaped(name, 120) + "\" has nothing") +
                                       " to fill " + std::string(placeholder) + " with");
      }
      text.replace(at, placeholder.size(), *value);
    }
  }
  if (text.find_first_of("{}") != std::string::npos) {
    return usage(pattern.text, "an unknown placeholder", "{repo} and {tag} are known");
  }
  DAVIT_TRY(Reference reference, Reference::parse(text));
  reference.digest = pattern.digest;
  return reference;
}

}  // namespace davit::client
