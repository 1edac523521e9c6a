#pragma once

#include <memory>

#include "rootfs/layers.h"
#include "rootfs/merge.h"

namespace davit::rootfs {

/// Reads all layers for their names, from the bottom up. Errors: those of the layers; corrupt for what cannot
/// be unpacked.
Result<std::unique_ptr<Merge>> merge_layers(Layers& layers, const CallContext& context);

}  // namespace davit::rootfs
