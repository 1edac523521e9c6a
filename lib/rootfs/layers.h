#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <davit/content.h>

#include "tar/reader.h"

namespace davit::rootfs {

/// The layers of an image as tars, verified and unpacked while they are read. Small ones are kept, so that
/// going through them twice fetches them once. One thread at a time. REQUIRES: the source outlives it and
/// what it opened.
class Layers {
 public:
  /// Errors: unsupported for an index and for anything that is no file system.
  static Result<Layers> of(ContentSource& source, const Manifest& image);

  /// What the layers have to unpack to from now on; whoever reads one to its end learns that it does. None:
  /// nothing is expected. REQUIRES: as many as there are layers, or none.
  void expect(std::vector<Digest> diff_ids) { diff_ids_ = std::move(diff_ids); }

  [[nodiscard]] std::size_t size() const { return layers_.size(); }
  [[nodiscard]] const Descriptor& at(std::size_t layer) const { return layers_[layer]; }

  /// Errors: those of the source; corrupt.
  Result<tar::Reader> open(std::size_t layer, const CallContext& context);
  /// For messages about a layer.
  [[nodiscard]] std::string shown(std::size_t layer) const;

 private:
  Layers(ContentSource& source, std::vector<Descriptor> layers)
      : source_(&source), layers_(std::move(layers)) {}
  Result<std::unique_ptr<ByteSource>> bytes(const Descriptor& blob, const CallContext& context);

  ContentSource* source_;
  std::vector<Descriptor> layers_;
  std::vector<Digest> diff_ids_;
  std::map<Digest, std::shared_ptr<const std::string>> kept_;  // co-owned by what reads them
  std::uint64_t kept_bytes_ = 0;
};

/// What the configuration says of each layer; nothing for what is no container image. Errors: corrupt where
/// it speaks of more layers, or of fewer; those of the source.
Result<std::vector<Digest>> diff_ids_of(ContentSource& source, const Manifest& image,
                                        const CallContext& context);

}  // namespace davit::rootfs
