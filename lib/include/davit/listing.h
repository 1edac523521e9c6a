#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/digest.h>
#include <davit/platform.h>
#include <davit/result.h>
#include <davit/transfer.h>

namespace davit {

/// One tag of a repository, or one name in a file: "app:1.4" in an archive; the digest of an image without a
/// name, or "@N" where it has no manifest either. Without details only the name is known; what else is there
/// depends on what the registry tells.
struct ListedTag {
  std::string name;
  std::optional<Digest> digest = {};
  std::string media_type = {};             ///< of the manifest
  std::string artifact_type = {};          ///< empty for container images
  std::optional<std::uint64_t> size = {};  ///< config and layers of an image; of an index what ECR says
  std::vector<Platform> platforms = {};    ///< that an index lists
  std::optional<std::chrono::system_clock::time_point> pushed = {};
};

/// One repository of a registry.
struct ListedRepository {
  std::string name;                                                   ///< without the registry
  std::optional<std::chrono::system_clock::time_point> created = {};  ///< where the registry tells
};

/// Told about a list page by page, on the caller's thread; an error ends the listing and is its result.
using TagPage = std::function<Result<>(std::span<const ListedTag>)>;
using RepositoryPage = std::function<Result<>(std::span<const ListedRepository>)>;

struct ListOptions {
  TagChoice choice = {};  ///< of tags; for repositories `include` and `exclude` alone, over whole names
  bool details = false;   ///< more than names; without an interface of the registry's own a request per tag
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};  ///< for the whole list
};

/// What a word means to somebody who wants a list.
struct ListPlace {
  /// A file is an archive or a layout that holds several images, none of which is named.
  enum class Kind { registry, repository, image, file };
  Kind kind = Kind::image;
  std::string name;  ///< "host", "host/repository"; an image as written; a file as "oci:layout"
};

}  // namespace davit
