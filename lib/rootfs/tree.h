#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

#include "rootfs/text_store.h"

namespace davit::rootfs {

inline constexpr std::uint32_t kNone = UINT32_MAX;

/// A name in a directory. What it stands for is told by the entry that made it; hard links to one file share
/// that entry.
struct Node {
  std::uint32_t parent = kNone;
  std::uint32_t first_child = kNone;   ///< absent ones too
  std::uint32_t next_sibling = kNone;  ///< likewise
  std::uint32_t name = kNone;
  std::uint32_t extra =
      kNone;  ///< text: a symlink's target, a directory's attributes (none: nobody stated any)
  std::uint32_t facts = kNone;  ///< whatever the user of the tree has about the entry
  std::uint32_t entry = kNone;  ///< position in its layer; none for a directory that is only implied
  std::uint16_t layer = 0;      ///< whose entry it is
  std::uint16_t named = 0;      ///< the layer that gave it this name
  char type = 0;                ///< as in a tar; 0 when it is absent
};

/// The names of a root file system, as layers make them. About 70 bytes for each path. Nodes stay for good
/// and are revived. One thread at a time.
class Tree {
 public:
  static constexpr std::uint32_t kRoot = 0;
  /// More paths than any image has.
  static constexpr std::size_t kMaxNodes = 8'000'000;

  enum class Missing { leave, make };
  enum class Names { all, of_lower_layers };

  Tree();

  [[nodiscard]] const Node& at(std::uint32_t node) const { return nodes_[node]; }
  [[nodiscard]] Node& at(std::uint32_t node) { return nodes_[node]; }
  [[nodiscard]] std::string_view name(std::uint32_t node) const { return texts_.at(nodes_[node].name); }
  /// Without a slash in front; empty for the root.
  [[nodiscard]] std::string path(std::uint32_t node) const;
  [[nodiscard]] TextStore& texts() { return texts_; }
  [[nodiscard]] const TextStore& texts() const { return texts_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  /// The node of that name, if it is there.
  [[nodiscard]] std::uint32_t find(std::uint32_t directory, std::string_view name) const;
  /// The same, whether it is there or not. Errors: corrupt with too many of them.
  Result<std::uint32_t> place(std::uint32_t directory, std::string_view name);

  /// The directory at the end of `path`, through symlinks, which do not lead out of the root. What is missing
  /// or no directory is made one that layer `layer` implies, or kNone is returned. Errors: corrupt for
  /// symlinks that go round in circles.
  Result<std::uint32_t> directory(std::string_view path, Missing missing, std::uint16_t layer);

  /// Makes a node and everything below it absent, or only what layers below `layer` have named; a directory
  /// in which something else is left becomes an implied one. Errors: corrupt for whiteouts that cannot be
  /// meant.
  Result<> remove(std::uint32_t node, Names which, std::uint16_t layer);
  /// The same for what is in a directory.
  Result<> remove_children(std::uint32_t node, Names which, std::uint16_t layer);

  /// What is in a directory, in the order of the names' bytes.
  [[nodiscard]] std::vector<std::uint32_t> children(std::uint32_t node) const;

 private:
  [[nodiscard]] std::size_t slot(std::uint32_t directory, std::string_view name) const;
  void grow();
  Result<> prune(std::vector<std::uint32_t> below, Names which, std::uint16_t layer);

  std::deque<Node> nodes_;
  TextStore texts_;
  std::vector<std::uint32_t> slots_;  ///< open addressing; a power of two of them
  std::size_t seed_;
  std::uint64_t work_ = 0;  ///< nodes that removals have looked at
};

}  // namespace davit::rootfs
