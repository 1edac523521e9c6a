#pragma once

#include <memory>
#include <vector>

#include <davit/content.h>

namespace davit::content {

/// A source that also has this manifest, without asking anybody: one that was read already, or that davit
/// wrote. Co-owns the source.
std::shared_ptr<ContentSource> with_manifest(std::shared_ptr<ContentSource> source, Manifest manifest);
/// The same with several.
std::shared_ptr<ContentSource> with_manifests(std::shared_ptr<ContentSource> source,
                                              std::vector<Manifest> manifests);

}  // namespace davit::content
