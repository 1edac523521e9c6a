#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <davit/platform.h>
#include <davit/transfer.h>

namespace davit {

/// One thing that an index is made of (OCI image specification, "Image Index").
struct IndexPart {
  /// A source argument of Client: a reference, an archive, a layout. An index gives everything it lists.
  /// `{os}`, `{arch}`, `{variant}` and `{platform}` are filled in for each of IndexOptions::platforms.
  std::string source;
  std::optional<Platform> platform = {};                ///< unset: what the image's configuration says
  std::map<std::string, std::string> annotations = {};  ///< of its entry
};

/// Takes an annotation away where it has no value.
using AnnotationChanges = std::map<std::string, std::optional<std::string>>;

/// How an index is made, and how it travels.
struct IndexOptions {
  std::map<std::string, std::string> annotations = {};  ///< of a new index itself
  std::vector<Platform> platforms = {};  ///< only these; each of them has to be there. Empty: all
  /// `docker` gives a manifest list; otherwise OCI. Images that come with manifests keep theirs.
  CopyOptions copy = {};
};

/// How an index is to change. Entries are named by platform ("linux/arm64"), by digest, or by a source that
/// has one.
struct IndexEdit {
  std::vector<IndexPart> add = {};
  bool replace = false;                  ///< what is added takes the place of images for the same platforms
  std::vector<std::string> remove = {};  ///< with the attestations about them
  std::vector<std::string> keep = {};    ///< these alone, with the attestations about them; empty: all
  AnnotationChanges annotations = {};    ///< of the index
  struct EntryEdit {
    std::string entry;
    AnnotationChanges annotations = {};
    std::optional<Platform> platform = {};
  };
  std::vector<EntryEdit> entries = {};
  /// How often the edit is made anew when somebody else moved the tag meanwhile; then: conflict.
  int retries_on_change = 0;
};

}  // namespace davit
