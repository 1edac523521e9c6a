#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/descriptor.h>
#include <davit/manifest.h>

#include "model/media_type.h"

namespace davit::compose {

/// Something that may become an entry of an index.
struct Candidate {
  Descriptor entry;
  std::string from;          ///< for people: what it was taken from
  std::string written = {};  ///< the argument that stands for it alone; empty where that brings more
  std::string text = {};     ///< how the index lists it that it comes from; empty where it is named itself
  bool made = false;         ///< it had no manifest, so nobody knows it by its digest
};

using Annotations = std::map<std::string, std::optional<std::string>>;  ///< empty: the annotation goes

/// Says this about a candidate, in its text too; what else that text says stays as it is written. Errors:
/// invalid_argument for annotations that are no text.
Result<> describe(Candidate& candidate, const Annotations& annotations,
                  const std::optional<Platform>& platform);

/// The candidates that become entries, in their order: what several indexes list is listed once, of images
/// only those for `wanted` (empty: all of them), and attestations with the images that they are about.
/// Errors: invalid_argument for an image that is named twice, for two images for one platform, or for an
/// image without one; not_found for a platform that no candidate has.
Result<std::vector<Candidate>> choose_entries(std::span<const Candidate> candidates,
                                              std::span<const Platform> wanted);

/// Errors: invalid_argument for annotations in Docker's format, which has none; unsupported for more entries
/// than an index of 8 MiB holds.
Result<Manifest> new_index(model::Format format, std::span<const Candidate> entries,
                           const std::map<std::string, std::string>& annotations);

/// How an index is to change. Positions are those of its entries.
struct IndexChanges {
  std::set<std::size_t> removed = {};
  std::vector<Candidate> added = {};
  Annotations annotations = {};  ///< of the index
  std::map<std::size_t, Annotations> entry_annotations = {};
  std::map<std::size_t, Platform> entry_platforms = {};
};

/// The index with these changes; all else has the bytes it had: order, unknown members, other entries.
/// Errors: as new_index().
Result<Manifest> changed_index(const Manifest& index, const IndexChanges& changes);

/// Adds the position of an entry, and those of the attestations about it when no other entry has its image.
void remove_entry(const Manifest& index, std::size_t position, std::set<std::size_t>& removed);

/// The positions of the entries that a platform ("linux/arm64") or a digest names, and of the attestations
/// about them. Errors: not_found, with what there is; invalid_argument for what is neither.
Result<std::set<std::size_t>> find_entries(const Manifest& index, std::string_view selector);

}  // namespace davit::compose
