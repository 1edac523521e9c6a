#include "content/graph.h"

#include <set>

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"

namespace davit::content {
namespace {

/// A manifest on the path from the root to where the walk is, and how far its children have been seen.
struct Step {
  Manifest manifest;
  std::vector<Descriptor> children;
  std::size_t next = 0;
};

Result<Manifest> read(ContentSource& source, const Descriptor& wanted, const CallContext& context) {
  auto manifest = source.manifest(wanted.digest.to_string(), context);
  if (!manifest) return manifest;
  if (manifest->descriptor().size != wanted.size || manifest->descriptor().digest != wanted.digest) {
    return make_error(Errc::corrupt, "manifest " + wanted.digest.to_string() + " has " +
                                         std::to_string(manifest->descriptor().size) + " bytes where its descriptor says " +
                                         std::to_string(wanted.size));
  }
  return manifest;
}

}  // namespace

Result<Graph> walk(ContentSource& source, const Descriptor& root, const CallContext& context, const WalkLimits& limits) {
  Graph graph;
  std::set<Digest> seen{root.digest};
  std::vector<Step> path;
  DAVIT_TRY(Manifest top, read(source, root, context));
  std::uint64_t bytes = top.bytes().size();
  path.push_back({top, top.children()});
  while (!path.empty()) {
    Step& here = path.back();
    if (here.next == here.children.size()) {
      graph.manifests.push_back(std::move(here.manifest));
      path.pop_back();
      continue;
    }
    const Descriptor child = here.children[here.next++];
    // Skipped before it is remembered: the same bytes may be an ordinary layer of another image.
    if (model::is_foreign_layer(child.media_type) || !seen.insert(child.digest).second) continue;
    if (here.manifest.is_index() && model::is_manifest(child.media_type)) {
      if (path.size() >= limits.depth) {
        return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(limits.depth));
      }
      if (graph.manifests.size() + path.size() >= limits.manifests) {
        return make_error(Errc::corrupt, "more than " + std::to_string(limits.manifests) + " manifests under one root");
      }
      DAVIT_TRY(Manifest manifest, read(source, child, context));
      bytes += manifest.bytes().size();
      if (bytes > limits.bytes) return make_error(Errc::corrupt, "manifests of more than " + std::to_string(limits.bytes) + " bytes under one root");
      path.push_back({manifest, manifest.children()});
    } else {
      if (graph.blobs.size() >= limits.blobs) {
        return make_error(Errc::corrupt, "more than " + std::to_string(limits.blobs) + " blobs under one root");
      }
      graph.blobs.push_back(child);
    }
  }
  return graph;
}

}  // namespace davit::content
