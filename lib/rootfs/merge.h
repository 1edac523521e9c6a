#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rootfs/tree.h"
#include "tar/entry.h"

namespace davit::rootfs {

/// Puts layers on top of each other as the OCI image specification has it ("Applying Changesets"), in names
/// only: what comes later wins, whiteouts and opaque directories hide what lower layers have named, a file
/// takes the place of a directory and the other way round, parents are looked for through symlinks, and a
/// hard link goes on meaning what it was made to. One thread at a time.
class Merge {
 public:
  /// From here on entries are the next layer's; the first is number 0. Errors: corrupt with too many layers.
  Result<> next_layer();
  /// `position` is that of the entry in its layer. `facts` is kept beside it. Errors: corrupt for what cannot
  /// be unpacked, with the name.
  Result<> apply(std::uint32_t position, const tar::Entry& entry, std::uint32_t facts = kNone);

  /// Gives the facts of every node that has some the number that `numbers` has at the place of the old one.
  void renumber_facts(std::span<const std::uint32_t> numbers);

  /// What a path means now, through symlinks; kNone when it is not there. Errors: corrupt for symlinks that
  /// go round in circles.
  Result<std::uint32_t> find(std::string_view path);

  [[nodiscard]] const Tree& tree() const { return tree_; }

 private:
  Result<> apply_to(std::string_view path, std::uint32_t position, const tar::Entry& entry,
                    std::uint32_t facts);
  Result<> hide(std::string_view directory, std::optional<std::string_view> name);
  Result<> put_directory(std::uint32_t node, std::uint32_t position, const tar::Entry& entry,
                         std::uint32_t facts);
  Result<> put_link(std::uint32_t node, const tar::Entry& entry);

  Tree tree_;
  std::uint16_t layer_ = 0;
  bool begun_ = false;
};

}  // namespace davit::rootfs
