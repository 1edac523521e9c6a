#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <davit/manifest.h>

#include "model/media_type.h"

namespace davit::content {

/// What stands for a layer from now on.
struct NewLayer {
  Digest digest;
  std::uint64_t size = 0;
  model::Compression compression = model::Compression::none;
};

/// Writes manifests again: with the media types of another format, with layers in another form, and the
/// indexes above with the new digests of what they list. Every other member stays what it is, except what
/// spoke of the bytes a layer had. One thread at a time.
class Rewriter {
 public:
  /// Without a format each document keeps its own, only that Docker's has no name for zstd: an image with
  /// such a new layer becomes OCI, and so does an index of it.
  explicit Rewriter(std::optional<model::Format> format) : format_(format) {}

  /// The manifest as it is from now on; the one given, if nothing changes. REQUIRES: what an index lists was
  /// given before the index; `layers` is empty or stands beside the layers of an image. Errors: unsupported
  /// for what the format has no name for (zstd layers and artifacts in Docker's).
  Result<Manifest> rewrite(const Manifest& manifest, std::span<const std::optional<NewLayer>> layers = {});

  /// What the caller has made of a manifest himself: the indexes above list it. A platform in `now` becomes
  /// that of its entries.
  void replace(const Digest& before, Descriptor now) { now_.insert_or_assign(before, std::move(now)); }

 private:
  const std::optional<model::Format> format_;
  std::map<Digest, Descriptor> now_;  ///< what became of each manifest
};

/// What the indexes among these list as attestations about another entry.
std::set<Digest> attestations_among(std::span<const Manifest> manifests);

}  // namespace davit::content
