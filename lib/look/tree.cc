#include <davit/tree.h>

#include <algorithm>
#include <set>

#include <davit/inspect.h>

#include "base/error.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "content/index_entries.h"
#include "look/read_manifests.h"
#include "look/sizes.h"
#include "model/media_type.h"

namespace davit {
namespace {

using look::ManifestsBelow;
using Kind = TreeNode::Kind;

/// Puts what has been read into its place. What is below a manifest is shown once, so no document can make
/// the tree larger than all of them together.
class Builder {
 public:
  explicit Builder(const ManifestsBelow& read) : read_(read) {}

  TreeNode node(const Descriptor& at) {
    TreeNode out{.descriptor = at, .attestation = content::is_attestation(at), .total = at.size};
    const auto found = read_.manifests().find(at.digest);
    if (found == read_.manifests().end()) return out;  // an index may list anything
    out.kind = model::is_index(model::essence(at.media_type)) ? Kind::index : Kind::image;
    out.missing = !found->second;
    if (!out.missing) read(*found->second, out);
    return out;
  }

 private:
  void read(const Manifest& manifest, TreeNode& out) {
    out.kind = manifest.is_index()            ? Kind::index
               : is_container_image(manifest) ? Kind::image
                                              : Kind::artifact;
    out.artifact_type = out.kind == Kind::artifact ? artifact_type_of(manifest) : manifest.artifact_type();
    std::set<Digest> counted;
    out.total = total(manifest, counted);
    out.repeated = !shown_.insert(manifest.descriptor().digest).second;
    if (out.repeated) return;
    for (const Descriptor& entry : manifest.manifests()) out.children.push_back(node(entry));
    const auto leaf = [&](Kind kind, const Descriptor& blob) {
      out.children.push_back({.kind = kind, .descriptor = blob, .total = blob.size});
    };
    if (manifest.config()) leaf(Kind::config, *manifest.config());
    for (const Descriptor& layer : manifest.layers())
      leaf(out.kind == Kind::image ? Kind::layer : Kind::blob, layer);
    const auto about = read_.referrers().find(manifest.descriptor().digest);
    if (about == read_.referrers().end()) return;
    for (const Descriptor& each : about->second) out.referrers.push_back(node(each));
  }

  /// Of a manifest and all below it that is not in `counted` yet.
  std::uint64_t total(const Manifest& manifest, std::set<Digest>& counted) const {
    if (!counted.insert(manifest.descriptor().digest).second) return 0;
    std::uint64_t sum = manifest.descriptor().size;
    for (const Descriptor& child : manifest.children()) {
      const auto below = read_.manifests().find(child.digest);
      const bool opened = manifest.is_index() && below != read_.manifests().end() && below->second;
      if (opened) {
        sum = look::sum_of(sum, total(*below->second, counted));
      } else if (counted.insert(child.digest).second) {
        sum = look::sum_of(sum, child.size);
      }
    }
    return sum;
  }

  const ManifestsBelow& read_;
  std::set<Digest> shown_;
};

}  // namespace

std::string_view to_string(TreeNode::Kind kind) {
  switch (kind) {
    case Kind::index:
      return "index";
    case Kind::image:
      return "image";
    case Kind::artifact:
      return "artifact";
    case Kind::config:
      return "config";
    case Kind::layer:
      return "layer";
    case Kind::blob:
      break;
  }
  return "blob";
}

Result<TreeNode> tree(ContentSource& source, const Descriptor& root, const TreeOptions& options,
                      const CallContext& context) {
  WorkerPool pool(std::max<std::size_t>(options.jobs, 1));
  ManifestsBelow below(source, pool, context);
  DAVIT_TRY_VOID(below.read(root, options.referrers ? source.referrer_lister() : nullptr));
  for (const auto& [digest, manifest] : below.manifests()) {
    // What the registry does not have is shown as such; a root that is not there is nothing to show.
    if (!manifest && (manifest.error().code != Errc::not_found || digest == root.digest))
      return manifest.error();
  }
  return Builder(below).node(root);
}

}  // namespace davit
