#include "client/location.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/split.h"
#include "base/try.h"
#include "client/argument.h"

namespace davit::client {
namespace {

/// FILE[:NAME:TAG], FILE[:@N] or FILE@DIGEST. A file whose name has colons in it wins when it exists.
Result<Source> archive_location(FileLocation::Kind kind, std::string_view written, std::string_view rest) {
  FileLocation location{.kind = kind, .path = std::string(rest)};
  if (!is_there(location.path)) {
    const auto at = rest.rfind('@');
    const auto colon = rest.find(':');
    if (at != std::string_view::npos && Digest::parse(rest.substr(at + 1))) {
      location.path = rest.substr(0, at);
      location.name = rest.substr(at + 1);
    } else if (colon != std::string_view::npos) {
      location.path = rest.substr(0, colon);
      location.name = rest.substr(colon + 1);
      if (Reference::holds_credentials(rest.substr(colon))) return bad_argument(written, "");
    }
  }
  if (location.path.empty()) return bad_argument(written, "no file name");
  if (location.name.starts_with('@')) {
    std::size_t position = 0;
    const std::string_view digits = std::string_view(location.name).substr(1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), position);
    if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) {
      return bad_argument(written, "@ wants the position of the image, counted from 0",
                          "docker-archive:FILE:@0 is the first");
    }
    location.position = position;
    location.name.clear();
  }
  return location;
}

}  // namespace

Result<Source> parse_source(std::string_view text) {
  if (text.empty()) return bad_argument(text, "an empty source");
  DAVIT_TRY_VOID(refuse_foreign_source(text));
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
  // "build.d/app.tar" is a file that may be missing; "host:5000/app.tar" and "host.d/app:v1.tar" are not.
  const bool dotted_path =
      names_path(text.substr(text.rfind('/') + 1)) && text.find(':') == std::string_view::npos;
  if (names_path(text) || dotted_path || is_there(std::string(text)))
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
  if (text.starts_with("docker://")) text.remove_prefix(9);
  DestinationPattern pattern{.text = std::string(written)};
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(text.substr(at + 1));
    if (!digest) return bad_argument(written, digest.error().message);
    pattern.digest = *digest;
    text = text.substr(0, at);
  }
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos) {
    for (const std::string_view tag : split(text.substr(colon + 1), ',')) pattern.tags.emplace_back(tag);
    text = text.substr(0, colon);
  }
  pattern.repository = text;
  if (!written.starts_with("docker://") && text.find('/') == std::string_view::npos &&
      (text == "localhost" || text.find('.') != std::string_view::npos) && pattern.tags.size() == 1 &&
      std::ranges::all_of(pattern.tags.front(), is_digit)) {
    return bad_argument(
        written, "a registry without a repository, or an image on Docker Hub",
        "write " + std::string(written) + "/REPOSITORY:TAG, or docker.io/library/" + std::string(written));
  }
  if (Reference::names_registry(text) && text.substr(0, text.find('/')).find('{') != std::string_view::npos)
    return bad_argument(written, "an image's name does not say which registry it goes to",
                        "{repo} and {tag} stand behind the registry's name");
  // Everything that is not a placeholder must be right now, before anything is read.
  DestinationPattern one = pattern;
  one.digest.reset();
  for (std::size_t i = 0; i < std::max<std::size_t>(pattern.tags.size(), 1); ++i) {
    if (!pattern.tags.empty()) one.tags = {pattern.tags[i]};
    auto checked = fill(one, "x:x");
    if (checked) continue;
    const Error error = checked.error();  // of a template it quotes what stood in for the image
    return pattern.is_template() ? error.with_context("\"" + escaped(written, 160) + "\"") : error;
  }
  return pattern;
}

std::string DestinationPattern::registry() const {
  if (!Reference::names_registry(repository)) return "docker.io";
  return Reference::parse_registry(repository.substr(0, repository.find('/'))).value_or("");
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
  // The name comes from an archive, which has no say in the registry.
  if (pattern.is_template() && !Reference::names_registry(text)) text.insert(0, "docker.io/");
  if (!pattern.tags.empty()) text += ":" + pattern.tags.front();
  const std::pair<std::string_view, const std::string*> placeholders[] = {{"{repo}", &image.repository},
                                                                          {"{tag}", &image.tag}};
  for (const auto& [placeholder, value] : placeholders) {
    for (auto at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + value->size())) {
      if (value->empty()) {
        return bad_argument(pattern.text, "the image" +
                                              (name.empty() ? std::string(" has no name")
                                                            : " \"" + escaped(name, 120) + "\" has nothing") +
                                              " to fill " + std::string(placeholder) + " with");
      }
      text.replace(at, placeholder.size(), *value);
    }
  }
  if (text.find_first_of("{}") != std::string::npos) {
    return bad_argument(pattern.text, "an unknown placeholder", "{repo} and {tag} are known");
  }
  DAVIT_TRY(Reference reference, Reference::parse(text));
  reference.digest = pattern.digest;
  return reference;
}

}  // namespace davit::client
