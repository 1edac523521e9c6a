#pragma once

#include <memory>
#include <vector>

#include <davit/content.h>

namespace davit::content {

/// What a source has besides what it had: documents that were read already, or that davit wrote.
struct Additions {
  std::vector<Manifest> manifests = {};
  std::vector<std::shared_ptr<const Content>> blobs = {};  ///< REQUIRES: each knows its descriptor
};

/// A source that also has these, without asking anybody. Co-owns the source, which may be null: then there is
/// nothing else.
std::shared_ptr<ContentSource> overlay(std::shared_ptr<ContentSource> source, Additions more);

/// The same with one manifest, and with several.
std::shared_ptr<ContentSource> with_manifest(std::shared_ptr<ContentSource> source, Manifest manifest);
std::shared_ptr<ContentSource> with_manifests(std::shared_ptr<ContentSource> source,
                                              std::vector<Manifest> manifests);

}  // namespace davit::content
