#include "rootfs/merge_layers.h"

#include "base/error.h"
#include "base/try.h"

namespace davit::rootfs {

Result<std::unique_ptr<Merge>> merge_layers(Layers& layers, const CallContext& context) {
  auto merge = std::make_unique<Merge>();
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    DAVIT_TRY_VOID(merge->next_layer());
    DAVIT_TRY(tar::Reader reader, layers.open(layer, context));
    for (;;) {
      DAVIT_TRY(const bool more, reader.next());
      if (!more) break;
      auto applied = merge->apply(reader.position(), reader.entry());
      if (!applied) return applied.error().with_context(layers.shown(layer)).on(Side::source);
    }
  }
  return merge;
}

}  // namespace davit::rootfs
