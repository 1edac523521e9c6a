#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tar/reader.h"

namespace davit::rootfs {

/// What one layer says about a path, and about every directory on the way there.
class LayerView {
 public:
  /// `path` is clean. Reads the whole layer; the content of the file is taken along up to `keep` bytes.
  /// Errors: corrupt, those of the source.
  static Result<LayerView> read(tar::Reader reader, std::string_view path, std::uint64_t keep);

  /// An entry of exactly that name: the last one.
  struct Found {
    char type = 0;        ///< as in a tar
    std::string link;     ///< of links
    bool sparse = false;  ///< a file with holes
    std::uint32_t position = 0;
    std::optional<std::string> content;  ///< when it is a file, and not too large
  };
  struct Step {
    std::optional<Found> found;
    bool below = false;       ///< there are entries below it
    bool whited_out = false;  ///< it is gone in all lower layers
    bool opaque = false;      ///< what lower layers have below it is gone
  };

  /// The first part of the path, the first two, and so on.
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  /// There is an entry called like a part of the path, in a directory that the layer does not state in front
  /// of it. With a symlink of a lower layer in that directory's place, it may be about the path, or not.
  [[nodiscard]] bool unclear() const { return unclear_; }

 private:
  std::vector<Step> steps_;
  bool unclear_ = false;
};

}  // namespace davit::rootfs
