#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <davit/reference.h>

namespace davit::client {

/// A file with an image in it, or standard input ("-"). Its kind is found by looking inside.
struct FileLocation {
  enum class Kind { any, docker_archive, oci_archive, layout };
  Kind kind = Kind::any;
  std::string path;
  std::string name;                     ///< "app:1.4", a tag, or a digest: which image; empty when not said
  std::optional<std::size_t> position;  ///< `@N`: which image, counted from 0
};

using Source = std::variant<FileLocation, Reference>;

/// Reads a source argument. A path that exists wins over a registry reading, and so does the ending of an
/// archive, unless a port or a tag says that the first word is a registry.
/// Errors: invalid_argument, with the line to use instead where there is one.
Result<Source> parse_source(std::string_view text);

/// Where images go: one repository, or a template that every image of the source fills.
struct DestinationPattern {
  std::string text;               ///< as written, for messages
  std::string repository;         ///< "host/repo", with `{repo}` where the template has it
  std::vector<std::string> tags;  ///< may hold `{tag}`; empty when not said
  std::optional<Digest> digest;

  [[nodiscard]] bool is_template() const;
  [[nodiscard]] std::string registry() const;  ///< as references write it
};

/// Reads what names a registry. Errors: invalid_argument.
Result<DestinationPattern> parse_destination(std::string_view text);

/// The reference for an image called `name` ("registry.example.com/team/app:1.4"; may be empty).
/// Errors: invalid_argument when a placeholder has nothing to stand for.
Result<Reference> fill(const DestinationPattern& pattern, std::string_view name);

/// Splits "host/team/app:1.4" into the repository path without a registry ("team/app") and the tag ("1.4" or
/// empty).
struct ImageName {
  std::string repository;
  std::string tag;
};
ImageName split_name(std::string_view name);

}  // namespace davit::client
