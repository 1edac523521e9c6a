#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <davit/content.h>

namespace davit {

/// Something in a store, with everything below it.
struct TreeNode {
  enum class Kind { index, image, artifact, config, layer, blob };
  Kind kind = Kind::blob;
  Descriptor descriptor;  ///< as whatever lists it describes it
  std::string artifact_type = {};
  bool attestation = false;  ///< an index lists it for the sake of another entry, as buildkit does
  bool missing = false;      ///< a manifest that is listed and not there
  bool repeated = false;     ///< a manifest that the tree has shown before; what is below it is there
  /// Bytes of itself and of everything below, each digest once. Referrers are not counted.
  std::uint64_t total = 0;
  std::vector<TreeNode> children = {};   ///< in the order of the document
  std::vector<TreeNode> referrers = {};  ///< what names it as `subject`
};

DAVIT_EXPORT std::string_view to_string(TreeNode::Kind kind);

struct TreeOptions {
  bool referrers = true;  ///< where the source lists them
  std::size_t jobs = 8;   ///< requests at once
};

/// What is at and below `root`: manifests are read, blobs are not. Referrers of referrers are there too. What
/// an index lists although it is not there is `missing`. Errors: those of the source; corrupt beyond the
/// limits (16 levels, 10 000 manifests, 64 MiB of them).
DAVIT_EXPORT Result<TreeNode> tree(ContentSource& source, const Descriptor& root, const TreeOptions& options,
                                   const CallContext& context);

}  // namespace davit
