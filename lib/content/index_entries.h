#pragma once

#include <span>
#include <string>

#include <davit/content.h>

namespace davit::content {

/// Whether an index lists this for the sake of another entry: what buildkit attests about an image.
bool is_attestation(const Descriptor& entry);

/// The digest of the image an attestation is about, as text; empty when it does not say.
std::string attested_image(const Descriptor& entry);

/// How people call an entry: its platform where it has one.
std::string name_platform(const Descriptor& entry);

/// An entry as it stands in some index. REQUIRES: position < index.manifests().size().
struct IndexEntry {
  const Manifest* index;
  std::size_t position;
};

/// `frame` with these entries instead of its own. Members keep their order and their bytes.
Result<Manifest> rewritten_index(const Manifest& frame, std::span<const IndexEntry> entries);

}  // namespace davit::content
